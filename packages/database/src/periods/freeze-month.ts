import { toTimestamp } from '@odometer/domain/period';
import { inTransaction, type Pool, type Queryable, type Transaction } from '../pool.ts';
import type { Discrepancy } from './close-projects.ts';

/** The statement waits for transactions that write to the partition, and holds back new ones; not for long. */
const LOCK_TIMEOUT_MS = 5_000;

/** Gives the partitions of the month's hours and days the triggers that keep final rows as they are. */
export async function freezeMonth(pool: Pool, monthMs: number): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    await transaction.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await transaction.query('select freeze_month($1)', [toTimestamp(monthMs)]);
  });
}

/** Stops the close of organizations some of whose rows do not add up, until somebody has looked, or the next try. */
export async function holdUpDiscrepancies(
  transaction: Transaction,
  monthMs: number,
  discrepancies: readonly Discrepancy[],
): Promise<void> {
  for (const { organizationId, project, meter, hours, days, month } of discrepancies) {
    const sums = `hours ${hours ?? 'none'}, days ${days ?? 'none'}, month ${month ?? 'none'}`;
    await holdUpClosing(transaction, monthMs, organizationId, `${project} ${meter}: ${sums}`);
  }
}

/** Stops the close of an organization, until somebody has looked, or the next try. */
export async function holdUpClosing(
  db: Queryable,
  monthMs: number,
  organizationId: string,
  reason: string,
): Promise<void> {
  await db.query(
    `update periods set held_up_by = held_up_by || $3::text
       where month = $1 and organization_id = $2 and state = 'closing' and cardinality(held_up_by) < 10
       and $3 <> all(held_up_by)`,
    [toTimestamp(monthMs), organizationId, reason],
  );
}

/** Tries those again that were stopped the last time. */
export async function resumeClosing(db: Queryable, monthMs: number): Promise<void> {
  await db.query(
    `update periods set held_up_by = '{}' where month = $1 and state = 'closing' and held_up_by <> '{}'`,
    [toTimestamp(monthMs)],
  );
}
