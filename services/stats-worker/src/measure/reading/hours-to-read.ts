import { hourStart } from '@odometer/domain/period';
import { MAX_ASKED_HOURS } from '@odometer/domain/readings/asked-hours';

export const HOUR_MS = 3_600_000;

/**
 * The hours of windows that are to be read now, oldest first: those that have become readable since the last time, and before
 * them those that are read again. Late equals on time: after a day without a worker all of its hours are read.
 *
 * @param progress the first hour that is to be read, and the first that was never read.
 * @returns starts in milliseconds.
 */
export function hoursToRead(
  { delayMinutes, reviseHours }: { readonly delayMinutes: number; readonly reviseHours: number },
  progress: { readonly readFromMs: number; readonly readThroughMs: number },
  nowMs: number,
): readonly number[] {
  const end = readableBefore(delayMinutes, nowMs);
  const { readFromMs, readThroughMs } = progress;
  const againMs = Math.min(readThroughMs, end) - reviseHours * HOUR_MS;
  return hoursBetween(Math.max(readFromMs, againMs), end);
}

/** Hours that start before it have ended long enough ago. */
export function readableBefore(delayMinutes: number, nowMs: number): number {
  return hourStart(nowMs - delayMinutes * 60_000);
}

/** @returns at most a year of them. */
export function hoursBetween(fromMs: number, toMs: number): readonly number[] {
  const hours: number[] = [];
  const first = Math.max(hourStart(fromMs), toMs - MAX_ASKED_HOURS * HOUR_MS);
  for (let hourMs = first; hourMs < toMs; hourMs += HOUR_MS) hours.push(hourMs);
  return hours;
}
