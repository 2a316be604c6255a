import { inTransaction, type Pool } from '@odometer/database/pool';
import { lockForPlanning, planRun } from '@odometer/database/posthoc/plan-runs';

/** Asks for an hour again, as somebody who types `odometer posthoc run` does. */
export async function ask(
  pool: Pool,
  metric: string,
  at: string,
  acceptFall = false,
): Promise<string> {
  const windowStart = new Date(at);
  return inTransaction(pool, async (transaction) => {
    await lockForPlanning(transaction, metric);
    const windowEnd = new Date(windowStart.getTime() + 3_600_000);
    return planRun(transaction, metric, { windowStart, windowEnd, dueAfterS: null, acceptFall });
  });
}
