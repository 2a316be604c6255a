import { toTimestamp } from '@odometer/domain/period';
import { InvalidArgumentError } from 'commander';

/** `YYYY-MM`. @returns the start of the month, milliseconds. */
export function month(text: string): number {
  const startMs = /^\d{4}-\d{2}$/.test(text) ? Date.parse(`${text}-01T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(startMs)) throw new InvalidArgumentError('It should be a month, like 2026-10.');
  return startMs;
}

/** A month as it was given. */
export function monthText(monthMs: number): string {
  return toTimestamp(monthMs).slice(0, 7);
}

/** `YYYY-MM-DD`, kept as text. */
export function day(text: string): string {
  const startMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Some take 2026-02-30 for the 2nd of March.
  if (Number.isNaN(startMs) || toTimestamp(startMs).slice(0, 10) !== text) {
    throw new InvalidArgumentError('It should be a day, like 2026-10-31.');
  }
  return text;
}
