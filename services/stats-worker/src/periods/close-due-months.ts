import {
  draftEndedMonths,
  endedMonths,
  unfinishedMonths,
} from '@odometer/database/periods/due-closes';
import { toTimestamp } from '@odometer/domain/period';
import { type CloseParts, type CloseProgress, closeMonth } from './close-month.ts';

export interface MonthClose extends CloseProgress {
  readonly monthMs: number;
}

/**
 * Drafts every month that has ended and closes what is ready, oldest first. After a week of outage this does what a week of
 * bells would have done.
 *
 * @returns what became of each month that is not final for everybody.
 */
export async function closeDueMonths(
  parts: CloseParts,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly MonthClose[]> {
  const now = toTimestamp(nowMs);
  await draftEndedMonths(parts.pool, await endedMonths(parts.pool, nowMs), now);
  const closes: MonthClose[] = [];
  for (const monthMs of await unfinishedMonths(parts.pool, now)) {
    closes.push({ monthMs, ...(await closeMonth(parts, monthMs, nowMs, signal)) });
  }
  return closes;
}
