/** A figure from Postgres for JSON: a number where that is exact, else its decimal text. */
export function jsonFigure(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) && String(value) === text ? value : text;
}
