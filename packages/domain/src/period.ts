/** Half-open UTC intervals `[start, end)`. Instants are milliseconds since the Unix epoch. */

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Start of the UTC hour that holds the instant. UTC has no leap seconds in Unix time, so this is plain arithmetic. */
export function hourStart(atMs: number): number {
  return Math.floor(atMs / HOUR_MS) * HOUR_MS;
}

/** Start of the UTC day that holds the instant. */
export function dayStart(atMs: number): number {
  return Math.floor(atMs / DAY_MS) * DAY_MS;
}

/** Start of the UTC calendar month that holds the instant. */
export function monthStart(atMs: number): number {
  const at = new Date(atMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
}

/** Start of the month after the one that holds the instant: the exclusive end of that month. */
export function monthEnd(atMs: number): number {
  const at = new Date(atMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1);
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ`, the form in which every instant is handed to Postgres. */
export function toTimestamp(atMs: number): string {
  return new Date(atMs).toISOString();
}
