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
  const known = propertyNames(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return error.issues.flatMap((issue) => issueProblems(issue, [], known, root));
}

function issueProblems(
  issue: z.core.$ZodIssue,
  at: readonly PropertyKey[],
  known: readonly string[],
  root: string,
): readonly string[] {
  const path = [...at, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `unknown field ${[...path, key].join('.')}${suggestion(key, known)}`,
    );
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

/** All names of properties anywhere in a JSON schema. */
function propertyNames(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === 'properties' && typeof value === 'object' && value !== null
      ? Object.keys(value)
      : []),
    ...propertyNames(value),
  ]);
}
