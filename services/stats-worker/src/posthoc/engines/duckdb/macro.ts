/** Macros of SQL; a name with several parameter lists has overloads. */
export type Macros = readonly (readonly [name: string, parameters: string, body: string])[];

/** Begins the private use area, which no format has. */
const PRIVATE = 0xe000;

/**
 * SQL that translates parts of a text, each once: what one of them has become is not translated by another.
 *
 * @param text an expression
 * @param parts in their order: of two that begin alike the longer first
 * @param rest a pattern of what may not be left over; it becomes `%?`, which no format has, so that the query fails
 */
export function translated(
  text: string,
  parts: readonly (readonly [from: string, to: string])[],
  rest: string,
): string {
  const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const mark = (i: number) => quoted(String.fromCodePoint(PRIVATE + i));
  const marked = parts.reduce(
    (sql, [from], i) => `replace(${sql}, ${quoted(from)}, ${mark(i)})`,
    text,
  );
  const checked = `system.main.regexp_replace(${marked}, ${quoted(rest)}, '%?', 'g')`;
  return parts.reduce((sql, [, to], i) => `replace(${sql}, ${mark(i)}, ${quoted(to)})`, checked);
}
