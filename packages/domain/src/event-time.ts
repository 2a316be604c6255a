/** RFC 3339 with ranges checked, at most nanoseconds, and offsets that Postgres takes (below 16 hours). */
const RFC_3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:0\d|1[0-5]):[0-5]\d)$/;

/**
 * Reads an RFC 3339 instant. Stricter than `Date.parse`, which takes dates without a zone as local time and the 30th of
 * February as the 2nd of March: each would put usage into another hour, or month, than the client meant.
 *
 * @returns milliseconds since the epoch, or `undefined` when the text is no such instant (a leap second is none: no
 *   clock of ours can place it).
 */
export function parseEventTime(text: string): number | undefined {
  if (!RFC_3339.test(text)) return undefined;
  const day = (text.charCodeAt(8) - 48) * 10 + text.charCodeAt(9) - 48;
  if (day > 28 && day > daysInMonth(Number(text.slice(0, 4)), Number(text.slice(5, 7)))) {
    return undefined;
  }
  return Date.parse(text);
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
