import { z } from 'zod';

/** What a schema says of itself, for error messages and docs/configuration.md. */
interface SettingMeta {
  readonly expected?: string;
  readonly default?: string;
  readonly secret?: boolean;
}

/** Node's timers run at once, instead of late, when asked for more than this. */
const MAX_TIMER_MS = 2_147_483_647;

export function settingMeta(schema: z.ZodType): SettingMeta {
  return (schema.meta() ?? {}) as SettingMeta;
}

export function isSecretSchema(schema: z.ZodType): boolean {
  return settingMeta(schema).secret === true;
}

/** A whole number within bounds, both included. */
export function integer(options: {
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
}): z.ZodType<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  const bounds = [
    options.min === undefined ? '' : ` from ${options.min}`,
    options.max === undefined ? '' : ` up to ${options.max}`,
  ].join('');
  return setting({
    parse: (raw) => {
      const value = /^-?\d+$/.test(raw) ? Number(raw) : Number.NaN;
      return Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
    },
    expected: `a whole number${bounds}`,
    default: options.default,
  });
}

/** A time span in whole milliseconds; the unit belongs into the variable's name (`…_MS`). */
export function durationMs(options: {
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
}): z.ZodType<number> {
  return integer({ min: 0, max: MAX_TIMER_MS, ...options });
}

/** Any text; required unless it has a default. */
export function text(options: { readonly default?: string } = {}): z.ZodType<string> {
  return setting({ parse: (raw) => raw, expected: 'a text', default: options.default });
}

/** `true` or `false`; `1` and `0` are understood. */
export function boolean(defaultValue: boolean): z.ZodType<boolean> {
  const values = new Map([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ]);
  return setting({
    parse: (raw) => values.get(raw.toLowerCase()),
    expected: 'true or false',
    default: defaultValue,
  });
}

/** One of a few words. */
export function choice<const Word extends string>(
  words: readonly Word[],
  options: { readonly default?: NoInfer<Word> } = {},
): z.ZodType<Word> {
  return setting<Word>({
    parse: (raw) => words.find((word) => word === raw),
    expected: `one of ${words.join(', ')}`,
    default: options.default,
  });
}

/** Some of a few words, comma-separated, in any order; at least one. */
export function list<const Word extends string>(
  words: readonly Word[],
  options: { readonly default: readonly NoInfer<Word>[] },
): z.ZodType<readonly Word[]> {
  return setting<readonly Word[]>({
    parse: (raw) => {
      const named = raw.split(',').map((word) => word.trim());
      const known = words.filter((word) => named.includes(word));
      return known.length === named.length ? known : undefined;
    },
    expected: `a comma-separated list of ${words.join(', ')}`,
    default: options.default,
  });
}

/** A URL, kept as text for the client libraries. Its value is never printed: it may carry a password. */
export function url(options: {
  /** Allowed schemes, without the colon. */
  readonly schemes: readonly string[];
  readonly default?: string;
}): z.ZodType<string> {
  return setting({
    parse: (raw) =>
      URL.canParse(raw) && options.schemes.includes(new URL(raw).protocol.slice(0, -1))
        ? raw
        : undefined,
    expected: `a URL that begins with ${options.schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    default: options.default,
    secret: true,
  });
}

/** A text that is never printed. */
export function secret(): z.ZodType<string> {
  return setting({ parse: (raw) => raw, expected: 'a text', default: undefined, secret: true });
}

/** The same, but absent is fine and gives `undefined`. */
export function optional<T>(schema: z.ZodType<T>): z.ZodType<T | undefined> {
  return schema.optional().meta({ ...schema.meta() });
}

function setting<T>(options: {
  /** Returns undefined for a text that does not fit. */
  readonly parse: (raw: string) => T | undefined;
  readonly expected: string;
  readonly default: T | undefined;
  readonly secret?: boolean;
}): z.ZodType<T> {
  const schema = z.string().transform((raw, context): T => {
    const value = options.parse(raw.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `should be ${options.expected}` });
    return z.NEVER;
  });
  const meta: SettingMeta = {
    expected: options.expected,
    ...(options.default === undefined ? {} : { default: String(options.default) }),
    ...(options.secret ? { secret: true } : {}),
  };
  if (options.default === undefined) return schema.meta({ ...meta });
  const fallback = options.default;
  return schema
    .optional()
    .transform((value) => value ?? fallback)
    .meta({ ...meta });
}
