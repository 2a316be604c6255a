import { toTimestamp } from '@odometer/domain/period';
import type { Pool } from '../pool.ts';

const ROWS_A_STATEMENT = 5_000;

/**
 * Forgets removed objects and versions. A tombstone is there for a notification that comes after the removal it is too old
 * for; without it the object, or the version, would come back to life. So it outlives whatever can still hold one: a queue
 * (14 days at most), the queue of its dead letters (14 days more), and our own dead letters, for as long as they are kept
 * and may be retried: while one of the changes of objects is, nothing younger than `keepMs` before it is forgotten.
 *
 * Should an older one come all the same, the next listing takes out what it brought back.
 *
 * @param keepMs longer than the 28 days of both queues.
 * @returns how many it forgot.
 */
export async function forgetTombstones(
  pool: Pool,
  nowMs: number,
  keepMs: number,
  signal: AbortSignal,
): Promise<number> {
  // A letter that is retried is in its queue, and perhaps a letter again in a moment.
  const { rows } = await pool.query<{ oldest: Date | null }>(
    `select min(failed_at) as oldest from dead_letters
     where queue = 'objects' and (retried_at is null or retried_at > to_timestamp($1::numeric / 1000) - interval '1 day')`,
    [nowMs],
  );
  const before = toTimestamp(Math.min(nowMs, rows[0]?.oldest?.getTime() ?? nowMs) - keepMs);
  let forgotten = 0;
  for (let deleted = ROWS_A_STATEMENT; deleted === ROWS_A_STATEMENT && !signal.aborted; ) {
    // What an applier is at just then is left to the next hour; it would wait for a row that is no tombstone any more.
    const { rowCount } = await pool.query(
      `delete from stored_objects o
       using (
         select bucket_id, key, version from stored_objects
         where not live and changed_at < $1
         order by changed_at limit ${ROWS_A_STATEMENT} for update skip locked
       ) t
       where o.bucket_id = t.bucket_id and o.key = t.key and o.version = t.version`,
      [before],
    );
    deleted = rowCount ?? 0;
    forgotten += deleted;
  }
  return forgotten;
}
