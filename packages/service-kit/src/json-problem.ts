/** Levels of nesting: what recurses over a document further down has a stack. */
const MAX_DEPTH = 32;

/** Of the place that a problem names. A client may nest names without end; a problem quotes it within bounds. */
const MAX_PLACE_LENGTH = 128;

/**
 * What in parsed JSON no schema can be trusted to see, in one sentence:
 *
 * - text that Postgres cannot hold, U+0000 or half of a surrogate pair: it would answer with an error;
 * - a member named `__proto__`: zod leaves it out of records without a word, so that a condition would be none;
 * - nesting without bound.
 *
 * @param root what the document is called where it is wrong as a whole.
 */
export function jsonProblem(value: unknown, root: string): string | undefined {
  const problem = problemIn(value, []);
  if (problem === undefined) return undefined;
  const place = problem.at.join('.');
  return `${place === '' ? root : shortened(place)} ${problem.what}`;
}

interface Problem {
  readonly at: readonly string[];
  readonly what: string;
}

function problemIn(value: unknown, at: readonly string[]): Problem | undefined {
  if (typeof value === 'string') {
    return isStorable(value) ? undefined : { at, what: 'holds U+0000 or half of a surrogate pair' };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (at.length >= MAX_DEPTH) return { at, what: `is nested deeper than ${MAX_DEPTH} levels` };
  for (const [name, each] of Object.entries(value)) {
    if (!isStorable(name))
      return { at, what: 'has a name with U+0000 or half of a surrogate pair' };
    const member = [...at, name];
    if (name === '__proto__') return { at: member, what: 'is no name that can be used' };
    const problem = problemIn(each, member);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

function shortened(place: string): string {
  return place.length > MAX_PLACE_LENGTH ? `${place.slice(0, MAX_PLACE_LENGTH - 1)}…` : place;
}
