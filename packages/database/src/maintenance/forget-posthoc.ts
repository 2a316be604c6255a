import { inTransaction, type Pool } from '../pool.ts';

/** Runs a transaction: the answer of one has up to 200,000 rows, most have some hundred. */
const RUNS_AT_ONCE = 20;

/**
 * Deletes the runs of windows that began before an instant, with their answers; but none of a window that may still be asked
 * for by the clock, or of one after the oldest run that is unfinished. What was answered so long ago and is not counted is shipped no
 * more, and is unfinished for good.
 *
 * What was believed of a window is what the next revision is compared with: without it everything would be counted again. So
 * each metric notes first what is forgotten of it, under the lock that planning takes, and such windows are refused.
 *
 * @returns how many it deleted.
 */
export async function forgetPosthocRuns(
  pool: Pool,
  beforeMs: number,
  signal: AbortSignal,
): Promise<number> {
  await inTransaction(pool, async (transaction) => {
    // By a statement before: what somebody plans meanwhile is seen by the next.
    await transaction.query('select from posthoc_metrics order by name for update');
    await transaction.query(
      `update posthoc_metrics m set forgotten_before = f.at
     from (
       select name, least(
         to_timestamp($1::numeric / 1000), settled_before,
         (select min(window_start) from posthoc_runs r where r.metric = name and r.finished_at is null
          and not (r.state in ('answered', 'shipped') and r.as_of < to_timestamp($1::numeric / 1000)))
       ) as at
       from posthoc_metrics
     ) f
     where f.name = m.name and f.at > coalesce(m.forgotten_before, '-infinity')`,
      [beforeMs],
    );
  });
  let forgotten = 0;
  for (let deleted = RUNS_AT_ONCE; deleted === RUNS_AT_ONCE; ) {
    if (signal.aborted) return forgotten;
    const { rowCount } = await pool.query(
      `delete from posthoc_runs where id in (
         select r.id from posthoc_runs r join posthoc_metrics m on m.name = r.metric
         where r.window_start < m.forgotten_before limit $1
       )`,
      [RUNS_AT_ONCE],
    );
    deleted = rowCount ?? 0;
    forgotten += deleted;
  }
  return forgotten;
}

/** Deletes what somebody wanted to see of a metric before an instant. @returns how many. */
export async function forgetPosthocTests(pool: Pool, beforeMs: number): Promise<number> {
  const { rowCount } = await pool.query(
    'delete from posthoc_tests where asked_at < to_timestamp($1::numeric / 1000)',
    [beforeMs],
  );
  return rowCount ?? 0;
}
