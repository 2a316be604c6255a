import { createMonthPartitions } from '@odometer/database/partitions';
import {
  beginSnapshot,
  completeSnapshot,
  missingSnapshots,
  snapshotSome,
} from '@odometer/database/periods/snapshots';
import type { Pool } from '@odometer/database/pool';
import { toTimestamp } from '@odometer/domain/period';
import { refreshDays } from './refresh-days.ts';

/**
 * Takes the snapshot of every day that has ended without one, oldest first: three missed days make three correct snapshots.
 *
 * @returns the days, `YYYY-MM-DD`.
 */
export async function takeSnapshots(
  pool: Pool,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const days = await missingSnapshots(pool, toTimestamp(nowMs).slice(0, 10));
  for (const day of days) await takeSnapshot(pool, day, nowMs, signal);
  return days;
}

/** Takes, or takes again, the snapshot of a day that has ended; of one that has not, by Postgres' clock, it takes none. */
export async function takeSnapshot(
  pool: Pool,
  day: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  // After a long outage it may be of a month that nobody has made partitions for.
  const at = `${day}T00:00:00Z`;
  await createMonthPartitions(pool, at, at);
  if (!(await beginSnapshot(pool, day))) return;
  await refreshDays(pool, signal);
  for (let after: string | undefined = '0'; after !== undefined; ) {
    signal.throwIfAborted();
    after = await snapshotSome(pool, day, after);
  }
  await completeSnapshot(pool, day, toTimestamp(nowMs));
}
