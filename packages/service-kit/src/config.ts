import { OdometerError } from '@odometer/domain/errors';
import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { isSecretSchema, settingMeta } from './config-schemas.ts';

export {
  boolean,
  choice,
  durationMs,
  integer,
  list,
  optional,
  secret,
  text,
  url,
} from './config-schemas.ts';

/** One environment variable: how its text is read, and a sentence for docs/configuration.md on what it is for. */
export interface Variable<T> {
  readonly env: string;
  readonly schema: z.ZodType<T>;
  readonly why: string;
}

export type Variables = Readonly<Record<string, Variable<unknown>>>;

export type ConfigOf<V extends Variables> = {
  readonly [Name in keyof V]: V[Name] extends Variable<infer T> ? T : never;
};

/** Thrown by parseConfig with everything that is wrong, one line for each problem; never holds a secret's value. */
export class ConfigError extends OdometerError<'config_invalid'> {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('config_invalid', {
      count: problems.length,
      problems: problems.map((problem) => `  ${problem}`).join('\n'),
    });
    this.problems = problems;
  }
}

/**
 * Declares one variable.
 *
 * @param schema reads the variable's text; `undefined` when it is absent or empty. Use the helpers exported here
 *   (integer, text, url, …), which know how to describe themselves, or any zod schema over strings.
 * @param why what it is for, what its default is good for, and what it costs to get wrong.
 */
export function variable<T>(env: string, schema: z.ZodType<T>, why: string): Variable<T> {
  return { env, schema, why };
}

/**
 * Reads the configuration once, into a frozen object. An empty variable counts as absent, because env files and
 * charts write `NAME=` for "not set".
 *
 * @param check rules that span several variables, asked once each is valid by itself; returns one sentence a problem.
 * @throws ConfigError with all problems together, so that nobody mends a configuration one restart at a time.
 */
export function parseConfig<V extends Variables>(
  variables: V,
  env: NodeJS.ProcessEnv,
  check: (config: ConfigOf<V>) => readonly string[] = () => [],
): ConfigOf<V> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(variables)) {
    const raw = env[declared.env] || undefined;
    const parsed = declared.schema.safeParse(raw);
    if (parsed.success) config[name] = parsed.data;
    else problems.push(describeProblem(declared, raw, parsed.error));
  }
  problems.push(...nearMisses(variables, env));
  if (problems.length > 0) throw new ConfigError(problems);

  const parsed = Object.freeze(config) as ConfigOf<V>;
  const conflicts = check(parsed);
  if (conflicts.length > 0) throw new ConfigError(conflicts);
  return parsed;
}

export interface ConfigRow {
  readonly env: string;
  readonly expected: string;
  /** Empty when the variable is optional, `required` when there is no doing without. */
  readonly default: string;
  readonly why: string;
}

/** The rows from which docs/configuration.md is written. */
export function describeConfig(variables: Variables): readonly ConfigRow[] {
  return Object.values(variables).map(({ env, schema, why }) => {
    const meta = settingMeta(schema);
    const required = !schema.safeParse(undefined).success;
    return {
      env,
      expected: meta.expected ?? '',
      default: required ? 'required' : (meta.default ?? ''),
      why,
    };
  });
}

function describeProblem(
  { env, schema }: Variable<unknown>,
  raw: string | undefined,
  error: z.ZodError,
): string {
  const { expected } = settingMeta(schema);
  const remedy = expected
    ? `it should be ${expected}`
    : error.issues.map(({ message }) => message).join(', ');
  if (raw === undefined) return `${env} is not set; ${remedy}`;
  const isSecret = isSecretSchema(schema) || SECRET_NAME.test(env);
  const shown = isSecret
    ? 'wrong (not shown, it may hold a secret)'
    : JSON.stringify(raw.slice(0, 80));
  return `${env} is ${shown}; ${remedy}`;
}

/** A second guard beside the schema's own mark, which a `.refine()` around it would lose. */
const SECRET_NAME = /PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL|_URL$/;

/** One typing error, or two letters swapped. More would catch names that are merely alike. */
const MAX_TYPING_DISTANCE = 2;

/**
 * A misspelt variable would silently leave its default in force. Unknown names that resemble nothing are left alone:
 * services share env files.
 */
function nearMisses(variables: Variables, env: NodeJS.ProcessEnv): readonly string[] {
  const known = Object.values(variables).map((declared) => declared.env);
  return Object.keys(env)
    .filter((name) => name.startsWith('ODOMETER_') && !known.includes(name))
    .sort()
    .flatMap((name) => {
      const nearest = known
        .map((candidate) => ({ candidate, typos: distance(name, candidate) }))
        .filter(({ typos }) => typos <= MAX_TYPING_DISTANCE)
        .sort((a, b) => a.typos - b.typos)[0];
      return nearest ? [`${name} is unknown; did you mean ${nearest.candidate}?`] : [];
    });
}
