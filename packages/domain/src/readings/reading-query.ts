/**
 * The query of a reading, as an operator writes it: named parameters, which Postgres does not have, and perhaps a semicolon.
 * Only what is code is looked at: `:start` in a string, a comment or an identifier is text, and `::` is a cast.
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */

/** The parameters there are, in the order in which their values are given: the first is $1. */
export const READING_PARAMETERS = ['start', 'end'] as const;
export type ReadingParameter = (typeof READING_PARAMETERS)[number];

export interface ReadingQuery {
  /** With `$1` for `:start` and `$2` for `:end`, and without the semicolon at its end. */
  readonly text: string;
  readonly parameters: ReadonlySet<ReadingParameter>;
  /** The parameter of each place, in the order of the text: values of `?` are given so. */
  readonly places: readonly ReadingParameter[];
  /** The word that it begins with, in small letters, whatever brackets are before it; empty: it begins with something else. */
  readonly verb: string;
}

/** The order matters: an E string is no identifier, and `::` no parameter. Identifiers may hold a `$`. */
const TOKEN = new RegExp(
  [
    '(?<skip>\\s+|--[^\\n]*)',
    '(?<comment>/\\*)',
    "(?<text>[eE]'(?:[^'\\\\]|\\\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")",
    '(?<word>[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*|\\d[\\w.]*)',
    '(?<tag>\\$(?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?\\$)',
    '(?<position>\\$\\d+)',
    '(?<cast>::|:=)',
    ':(?<name>[A-Za-z_]\\w*)',
    '(?<semicolon>;)',
    '(?<other>.)',
  ].join('|'),
  'suy',
);

/**
 * @param style `numbered`: `$1` and `$2`, as Postgres and DuckDB take them. `positional`: `?`, as Athena takes them, which has
 *   neither `::` nor comments within comments.
 * @returns the query with places for its parameters, or a sentence that says what is wrong with it. Never throws.
 */
export function parseReadingQuery(
  sql: string,
  style: 'numbered' | 'positional' = 'numbered',
): ReadingQuery | string {
  const parts: string[] = [];
  const places: ReadingParameter[] = [];
  let ended = false;
  let isEmpty = true;
  let verb: string | undefined;
  for (let at = 0; at < sql.length; ) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(sql);
    if (found?.groups === undefined) return 'cannot be read as SQL';
    const { skip, comment, tag, name, semicolon, position, word, other } = found.groups;
    let end = at + found[0].length;
    if (comment !== undefined) end = endOfComment(sql, at);
    else if (tag !== undefined) end = endOfQuoted(sql, tag, end);
    if (end === -1) return `has ${comment === undefined ? 'a string' : 'a comment'} without an end`;
    if (style === 'positional') {
      const problem = foreignToAthena(sql.slice(at, end), found.groups);
      if (problem !== undefined) return problem;
    }
    if (other === "'" || other === '"') return 'has a string without an end';
    if (position !== undefined) return `has ${position}; write :start and :end instead`;
    const isCode = skip === undefined && comment === undefined;
    if (ended && isCode) return 'should be one statement';
    if (semicolon !== undefined) {
      ended = true;
    } else if (name !== undefined) {
      if (!isParameter(name)) return `has :${name}, but there are only :start and :end`;
      places.push(name);
      parts.push(style === 'positional' ? '?' : `$${READING_PARAMETERS.indexOf(name) + 1}`);
    } else {
      parts.push(sql.slice(at, end));
    }
    if (isCode && semicolon === undefined) isEmpty = false;
    if (isCode && other !== '(') verb ??= word?.toLowerCase() ?? '';
    at = end;
  }
  if (isEmpty) return 'is empty';
  return { text: parts.join(''), parameters: new Set(places), places, verb: verb ?? '' };
}

type Groups = Readonly<Record<string, string | undefined>>;

/** What Athena would read otherwise than we do: then a value could get into the place of another. */
function foreignToAthena(token: string, { comment, cast, tag, other, text }: Groups) {
  if (other === '?') return 'has a ?; write :start and :end instead';
  if (cast === '::') return 'has ::, which Athena does not know; write cast(… as …)';
  if (tag !== undefined || (text !== undefined && /^e'/i.test(text))) {
    return `has ${token.slice(0, 2)}…, which is no string in Athena`;
  }
  if (comment !== undefined && token.indexOf('/*', 2) !== -1) return 'has a comment in a comment';
  return undefined;
}

function isParameter(name: string): name is ReadingParameter {
  return (READING_PARAMETERS as readonly string[]).includes(name);
}

/** Comments nest in Postgres. @returns -1 when it does not end. */
function endOfComment(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; ) {
    const two = sql.slice(at, at + 2);
    if (two === '/*') depth += 1;
    if (two === '*/') depth -= 1;
    at += two === '/*' || two === '*/' ? 2 : 1;
    if (depth === 0) return at;
  }
  return -1;
}

function endOfQuoted(sql: string, tag: string, from: number): number {
  const found = sql.indexOf(tag, from);
  return found === -1 ? -1 : found + tag.length;
}
