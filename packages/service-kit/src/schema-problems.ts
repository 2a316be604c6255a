import { distance } from 'fastest-levenshtein';
import { z } from 'zod';

/** Two typing errors, or two letters swapped. */
const MAX_TYPING_DISTANCE = 2;

/** The known name that somebody may have meant; undefined when nothing is near. */
function nearest(name: string, known: readonly string[]): string | undefined {
  return known
    .map((candidate) => ({
      candidate,
      typos: distance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter(({ typos }) => typos <= MAX_TYPING_DISTANCE)
    .sort((a, b) => a.typos - b.typos)[0]?.candidate;
}

/** ` (did you mean X?)`, or nothing. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/**
 * What is wrong with a document by its schema: one sentence each, all of them.
 *
 * @param root what the document is called where it is wrong as a whole.
 */
export function schemaProblems(
  schema: z.ZodType,
  error: z.ZodError,
  root = 'spec',
): readonly string[] {
  const known = new Map<string, Set<string>>();
  collectFields(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), known);
  return error.issues.flatMap((issue) => issueProblems(issue, [], known, root));
}

/** Names of fields anywhere in a document, and what kinds of things have them: `type oci`. None: all there are. */
type KnownFields = ReadonlyMap<string, ReadonlySet<string>>;

function issueProblems(
  issue: z.core.$ZodIssue,
  at: readonly PropertyKey[],
  known: KnownFields,
  root: string,
): readonly string[] {
  const path = [...at, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `unknown field ${[...path, key].join('.')}${hint(key, known)}`);
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const types = unionTypes(issue.errors);
    if (types !== undefined) return issueProblems(types, path, known, root);
    // What the author meant is the alternative with which the least is wrong.
    const [closest = []] = [...issue.errors].sort((a, b) => a.length - b.length);
    return closest.flatMap((nested) => issueProblems(nested, path, known, root));
  }
  const isMissing = issue.code === 'invalid_type' && issue.message.includes('received undefined');
  const where = path.length === 0 ? root : path.join('.');
  return [isMissing ? `${where} is missing` : `${where}: ${plain(issue.message)}`];
}

/** One issue that names the types of all alternatives, when none of them takes a value of this type. */
function unionTypes(alternatives: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue | undefined {
  const issues = alternatives.map(([issue, ...more]) => (more.length === 0 ? issue : undefined));
  const expected = new Set<string>();
  for (const issue of issues) {
    if (issue?.code !== 'invalid_type' || issue.path.length > 0) return undefined;
    expected.add(issue.expected);
  }
  const [first] = issues;
  if (first === undefined) return undefined;
  const message = first.message.replace(/expected .+, received/, () => {
    return `expected ${[...expected].join(' or ')}, received`;
  });
  return { ...first, message };
}

/** zod's own words, as one says it to people. */
function plain(message: string): string {
  const [, expected, received] =
    /^Invalid input: expected (.+), received (.+)$/.exec(message) ?? [];
  return expected === undefined ? message : `should be of type ${expected}, not ${received}`;
}

/** Where a field belongs, when it only stands in the wrong place; else what may have been meant. */
function hint(key: string, known: KnownFields): string {
  const kinds = known.get(key);
  if (kinds === undefined) return suggestion(key, [...known.keys()]);
  return kinds.size === 0 ? '' : `; it belongs to ${[...kinds].join(' or ')}`;
}

/** Fields of a JSON schema. What has a field of one possible value, as each alternative of a union has, is of that kind. */
function collectFields(schema: unknown, known: Map<string, Set<string>>): void {
  if (typeof schema !== 'object' || schema === null) return;
  if ('properties' in schema && typeof schema.properties === 'object') {
    const properties = Object.entries(schema.properties ?? {});
    const kinds = properties.flatMap(([name, value]) =>
      typeof value?.const === 'string' ? `${name} ${value.const}` : [],
    );
    for (const [name] of properties) {
      const all = known.get(name) ?? new Set();
      for (const kind of kinds) all.add(kind);
      known.set(name, all);
    }
  }
  for (const value of Object.values(schema)) collectFields(value, known);
}
