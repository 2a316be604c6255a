import { monthStart, toTimestamp } from '@odometer/domain/period';
import { lockMonthsShared } from '../advisory-locks.ts';
import type { Transaction } from '../pool.ts';

/** What a transaction that applies usage has to know of the periods. */
export interface PeriodsNow {
  /** Days changed now are marked with this round (changed-days.ts). */
  readonly round: string;
  /** Months, starts in milliseconds, that are closed for some organization. Nearly always none. */
  readonly closedMonths: ReadonlySet<number>;
  /** By Postgres' clock, milliseconds. Its month is locked, too. */
  readonly nowMs: number;
}

/**
 * Locks months against being closed, until the transaction ends, and tells which of them are closed already. The state is
 * read in a statement of its own: the snapshot of the one that waits for a lock is older than the lock, and would show a
 * month as open that was closed meanwhile.
 *
 * The month that goes on by Postgres' clock, in which late usage is billed, is locked with them.
 *
 * @param monthsMs of all usage the transaction may write.
 */
export async function lockPeriods(
  transaction: Transaction,
  monthsMs: Iterable<number>,
): Promise<PeriodsNow> {
  const months = [...new Set(monthsMs)];
  const nowMs = await lockMonthsShared(transaction, months);
  const { rows } = await transaction.query<{ round: string; closed: Date[] }>({
    name: 'periods-now',
    text: `select round,
        array(select distinct month from periods
              where state in ('closing', 'final') and month = any($1::timestamptz[])) as closed
      from refresh_round`,
    values: [[...months, monthStart(nowMs)].map(toTimestamp)],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('refresh_round has no row');
  const closedMonths = new Set(row.closed.map((month) => month.getTime()));
  return { round: row.round, closedMonths, nowMs };
}

/** Those of the organizations for which the month is closed. Call it under the month's lock (lockPeriods). */
export async function closedFor(
  transaction: Transaction,
  monthMs: number,
  organizationIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await transaction.query<{ id: string }>(
    `select organization_id as id from periods
     where month = $1 and state in ('closing', 'final') and organization_id = any($2::bigint[])`,
    [toTimestamp(monthMs), organizationIds],
  );
  return new Set(rows.map(({ id }) => id));
}
