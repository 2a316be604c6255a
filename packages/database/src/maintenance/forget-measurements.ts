import type { Pool } from '../pool.ts';

/** Rows a transaction: some ten milliseconds for corrections; a measurement may have parts of listings. */
const CORRECTIONS_AT_ONCE = 10_000;
const MEASUREMENTS_AT_ONCE = 500;

/**
 * Deletes corrections that were made before an instant. They are made in the order of their ids, all but those of listings
 * that end at the same time, so whoever finds a young one among the first has seen the old ones: no index is needed, and
 * no walk through the others.
 *
 * @returns how many it deleted.
 */
export async function forgetCorrections(
  pool: Pool,
  beforeMs: number,
  signal: AbortSignal,
): Promise<number> {
  let forgotten = 0;
  for (let deleted = CORRECTIONS_AT_ONCE; deleted === CORRECTIONS_AT_ONCE; ) {
    if (signal.aborted) return forgotten;
    const { rowCount } = await pool.query(
      `delete from object_corrections where corrected_at < to_timestamp($1::numeric / 1000) and id in (
         select id from object_corrections order by id limit $2
       )`,
      [beforeMs, CORRECTIONS_AT_ONCE],
    );
    deleted = rowCount ?? 0;
    forgotten += deleted;
  }
  return forgotten;
}

/**
 * Deletes measurements that have ended and were begun before an instant, with what they have left behind; but of each target
 * never the newest in each state, nor the last complete one of all there is: what is shown of it, and goes on from it,
 * must not depend on how long it was away.
 *
 * @returns how many it deleted.
 */
export async function forgetMeasurements(
  pool: Pool,
  beforeMs: number,
  signal: AbortSignal,
): Promise<number> {
  let forgotten = 0;
  for (let deleted = MEASUREMENTS_AT_ONCE; deleted === MEASUREMENTS_AT_ONCE; ) {
    if (signal.aborted) return forgotten;
    const { rowCount } = await pool.query(
      `delete from measurements where id in (
         select id from measurements m
         where started_at < to_timestamp($1::numeric / 1000) and state <> 'running'
           and exists (
             select from measurements n where n.kind = m.kind and n.target = m.target and n.state = m.state and n.id > m.id
           )
           and id is distinct from (
             select id from whole_measurements w
             where w.kind = m.kind and w.target = m.target and w.state = 'complete' order by id desc limit 1
           )
         order by id limit $2
       )`,
      [beforeMs, MEASUREMENTS_AT_ONCE],
    );
    deleted = rowCount ?? 0;
    forgotten += deleted;
  }
  return forgotten;
}
