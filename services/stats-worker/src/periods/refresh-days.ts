import { beginRound } from '@odometer/database/periods/changed-days';
import { refreshSomeDays } from '@odometer/database/periods/refresh-days';
import type { Pool } from '@odometer/database/pool';

/**
 * Computes all days whose hours have changed so far. Late usage, a late run and a second run give what one run on time
 * would have given.
 *
 * @returns how many days of projects were refreshed.
 */
export async function refreshDays(pool: Pool, signal: AbortSignal): Promise<number> {
  const round = await beginRound(pool);
  let refreshed = 0;
  for (let some = -1; some !== 0; refreshed += some) {
    signal.throwIfAborted();
    some = await refreshSomeDays(pool, round);
  }
  return refreshed;
}
