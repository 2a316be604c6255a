import { lockRounds } from '../advisory-locks.ts';
import { inTransaction, type Pool, type Transaction } from '../pool.ts';

export interface ChangedDay {
  readonly projectId: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
}

/** Marks days whose hours the transaction changes, sorted. What is marked in this round already stays so. */
export async function markChangedDays(
  transaction: Transaction,
  round: string,
  days: readonly ChangedDay[],
): Promise<void> {
  if (days.length === 0) return;
  await transaction.query({
    name: 'mark-changed-days',
    text: `insert into changed_days (project_id, day, round)
      select project_id, day, $3 from unnest($1::bigint[], $2::date[]) as d (project_id, day) order by 1, 2
      on conflict do nothing`,
    values: [days.map(({ projectId }) => projectId), days.map(({ day }) => day), round],
  });
}

/**
 * Begins a new round of marks and waits until no transaction of an older one is left: then every hour whose mark is older
 * is there to be read, and whatever comes later is marked anew.
 *
 * @returns the new round; marks below it may be worked off.
 */
export async function beginRound(pool: Pool): Promise<string> {
  return inTransaction(pool, async (transaction) => {
    await lockRounds(transaction);
    const { rows } = await transaction.query<{ round: string }>(
      'update refresh_round set round = round + 1 returning round',
    );
    return rows[0]?.round ?? '0';
  });
}
