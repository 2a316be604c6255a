import { toTimestamp } from '@odometer/domain/period';
import { plainArray, textArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';
import { type CorrectedObject, type CorrectedRow, correctedObject } from './corrected-object.ts';
import type { ListingKnowledge } from './listing-knowledge.ts';

/** An object of the ledger that a listing does not have. */
export interface VanishedObject {
  readonly key: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly listedAtMs: number;
}

/** Notes what a listing does not have. A page that is read again after a crash notes the same again. */
export async function noteVanished(
  transaction: Transaction,
  measurementId: string,
  bucketId: number,
  objects: readonly VanishedObject[],
): Promise<void> {
  await transaction.query(
    `insert into vanished_objects (measurement_id, bucket_id, key, version, size_bytes, listed_at)
     select $1, $2, * from unnest($3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
     on conflict (measurement_id, key, version) do nothing`,
    [
      measurementId,
      bucketId,
      textArray(objects.map(({ key }) => key)),
      textArray(objects.map(({ version }) => version)),
      plainArray(objects.map(({ sizeBytes }) => sizeBytes)),
      plainArray(objects.map(({ listedAtMs }) => toTimestamp(listedAtMs))),
    ],
  );
}

/**
 * Notes what a complete listing has not seen of a hashed ledger: the next rows after a position, at most `limit`.
 *
 * @param knowledge of when the listing began: each of its pages knew at least as much.
 * @returns where to go on; undefined when these were the last.
 */
export async function noteUnseen(
  transaction: Transaction,
  measurementId: string,
  bucketId: number,
  afterKey: string,
  { askedAtMs, graceMs, credibleMs }: ListingKnowledge,
  limit: number,
): Promise<string | undefined> {
  const { rows } = await transaction.query<{ last: string | null; looked: string }>(
    `with looked as (
       select key, version, size_bytes, live, changed_at, seen_by from stored_objects
       where bucket_id = $2 and key > $3
         and key <= coalesce((
           select key from stored_objects where bucket_id = $2 and key > $3 order by key offset $5 - 1 limit 1
         ), '~')
     ), noted as (
       insert into vanished_objects (measurement_id, bucket_id, key, version, size_bytes, listed_at)
       select $1, $2, key, version, size_bytes, $4 from looked
       where live and (changed_at < $4 or changed_at > $6) and seen_by is distinct from $1
       on conflict (measurement_id, key, version) do nothing
     )
     select max(key) as last, count(*) as looked from looked`,
    [
      measurementId,
      bucketId,
      afterKey,
      toTimestamp(askedAtMs - graceMs),
      limit,
      toTimestamp(credibleMs),
    ],
  );
  const [row] = rows;
  return row === undefined || row.last === null || Number(row.looked) < limit
    ? undefined
    : row.last;
}

/**
 * That a row `o` is to be taken out because of what was noted of it, `v`: it is there, and nothing newer was heard of it since.
 *
 * @param credible the parameter with the latest time that a clock can have meant.
 */
function isStillGone(credible: string): string {
  return `o.live and (o.changed_at < v.listed_at or o.changed_at > ${credible}) and (o.listed_at is null or o.listed_at <= v.listed_at)`;
}

export interface VanishedSum {
  readonly objects: number;
  readonly bytes: bigint;
}

/** What would be taken out now: what has been told since it was noted, perhaps hours ago, is not missed. */
export async function sumVanished(
  transaction: Transaction,
  measurementId: string,
  credibleMs: number,
): Promise<VanishedSum> {
  const { rows } = await transaction.query<{ objects: string; bytes: string }>(
    `select count(*) as objects, coalesce(sum(o.size_bytes), 0) as bytes
     from vanished_objects v join stored_objects o using (bucket_id, key, version)
     where v.measurement_id = $1 and ${isStillGone('$2')}`,
    [measurementId, toTimestamp(credibleMs)],
  );
  return { objects: Number(rows[0]?.objects ?? 0), bytes: BigInt(rows[0]?.bytes ?? 0) };
}

/** Some of what was noted, to be shown. */
export async function sampleVanished(
  transaction: Transaction,
  measurementId: string,
  limit: number,
): Promise<readonly { readonly key: string; readonly version: string; readonly bytes: string }[]> {
  const { rows } = await transaction.query<{ key: string; version: string; bytes: string }>(
    `select key, version, size_bytes as bytes from vanished_objects
     where measurement_id = $1 order by key, version limit $2`,
    [measurementId, limit],
  );
  return rows;
}

/**
 * Takes the next vanished objects out of the ledger, unless something newer was heard of them meanwhile, and forgets that
 * they were noted.
 *
 * @param knowledge from what a page knew for sure to when it was asked for is the grace: since then they are known to be gone.
 * @returns what was taken out, and how many were looked at; 0 when there are no more.
 */
export async function removeVanished(
  transaction: Transaction,
  measurementId: string,
  { graceMs, credibleMs, isOrderedByTime }: ListingKnowledge,
  limit: number,
): Promise<{ readonly removed: readonly CorrectedObject[]; readonly looked: number }> {
  const { rows: next } = await transaction.query<{
    bucket_id: number;
    key: string;
    version: string;
    listed_at: string;
  }>(
    `delete from vanished_objects where measurement_id = $1 and (key, version) in (
       select key, version from vanished_objects where measurement_id = $1 order by key, version limit $2
     )
     returning bucket_id, key, version, listed_at::text`,
    [measurementId, limit],
  );
  if (next.length === 0) return { removed: [], looked: 0 };
  const { rows } = await transaction.query<CorrectedRow>(
    `with vanished as (
       select o.bucket_id, o.key, o.version, v.listed_at
       from unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[]) as v (bucket_id, key, version, listed_at)
       join stored_objects o
         on o.bucket_id = v.bucket_id and o.key = v.key collate "C" and o.version = v.version collate "C"
       order by o.bucket_id, o.key, o.version for update of o
     )
     update stored_objects o
     set live = false, listed_at = v.listed_at, changed_at = v.listed_at,
       sequencer = case when $7 and o.changed_at > $6 then '' else o.sequencer end,
       previous_live = o.live, previous_bytes = o.size_bytes, previous_sequencer = o.sequencer
     from vanished v
     where o.bucket_id = v.bucket_id and o.key = v.key and o.version = v.version
       and ${isStillGone('$6')}
     returning o.key, o.version, o.project_id, o.organization_id, o.unattributed_to, o.metered_object_type, o.previous_live,
       o.previous_bytes, o.size_bytes,
       greatest(o.changed_at + $5 * interval '1 millisecond', o.owned_since) as changed_at`,
    [
      plainArray(next.map(({ bucket_id }) => bucket_id)),
      textArray(next.map(({ key }) => key)),
      textArray(next.map(({ version }) => version)),
      next.map(({ listed_at }) => listed_at),
      graceMs,
      toTimestamp(credibleMs),
      isOrderedByTime,
    ],
  );
  return { removed: rows.map((row) => correctedObject(row, 0n)), looked: next.length };
}
