import { latestCredible } from '@odometer/domain/objects/clock-ahead';
import { toTimestamp } from '@odometer/domain/period';
import { plainArray, textArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';
import type { ObjectRow } from './upsert-objects.ts';

/** A row that a listing has put right, as it was and as it is. */
export interface CorrectedObject {
  readonly key: string;
  readonly version: string;
  readonly projectId: string | null;
  readonly organizationId: string | null;
  readonly unattributedTo: string | null;
  readonly type: string;
  readonly previousLive: boolean;
  /** 0 of what was not live. */
  readonly previousBytes: bigint;
  /** 0 of what is not live now. */
  readonly bytes: bigint;
  /** Since when it is so for its owner, as far as is known, milliseconds. */
  readonly atMs: number;
}

/** How what a listing says compares with what the ledger has. */
export interface ListingKnowledge {
  readonly askedAtMs: number;
  /** All that happened so long before it was asked for, the listing knew. */
  readonly graceMs: number;
  /** Sequencers are times: one of a time that is yet to come orders nothing, and is forgotten. */
  readonly isOrderedByTime: boolean;
}

/**
 * Makes rows what a listing has: those that are missing, and those that are not the same and have not changed since
 * the grace began. A row of a time that is yet to come was changed by a wrong clock, and is corrected too. A notification that was applied meanwhile and is of something newer wins: the statement looks at the row
 * once more. The row keeps its sequencer, and notifications of what happened until then change it no more.
 *
 * A version stays removed once its removal was told. One that an earlier listing has removed, and nobody else, comes back:
 * that listing was wrong.
 *
 * @param rows live, one for each object and version; `atMs` is when the store says it was modified.
 * @param measurementId the listing, noted as having seen them.
 * @returns what was changed by it.
 */
export async function correctListed(
  transaction: Transaction,
  rows: readonly Omit<ObjectRow, 'live' | 'sequencer' | 'ownedSinceMs'>[],
  { askedAtMs, graceMs, isOrderedByTime }: ListingKnowledge,
  measurementId: string,
): Promise<readonly CorrectedObject[]> {
  const listedAtMs = askedAtMs - graceMs;
  const { rows: corrected } = await transaction.query<CorrectedRow>(
    `insert into stored_objects as o (bucket_id, key, version, organization_id, project_id, unattributed_to,
       metered_object_type, object_id, size_bytes, storage_class, live, sequencer, created_at, changed_at, listed_at, seen_by)
     select bucket_id, key, version, organization_id, project_id, unattributed_to, metered_object_type, object_id,
       size_bytes, storage_class, true, '', at, at, $12, $13
     from unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
       $9::bigint[], $10::text[], $11::timestamptz[])
       as l (bucket_id, key, version, organization_id, project_id, unattributed_to, metered_object_type, object_id,
         size_bytes, storage_class, at)
     order by bucket_id, key collate "C", version collate "C"
     on conflict (bucket_id, key, version) do update
     set live = true,
       size_bytes = excluded.size_bytes,
       storage_class = excluded.storage_class,
       created_at = case when o.live then o.created_at else excluded.created_at end,
       changed_at = greatest(
         case
           when o.changed_at > $15 then excluded.listed_at
           -- As removeVanished counts it, lest the grace be counted twice.
           when not o.live and o.changed_at = o.listed_at then o.changed_at + $14 * interval '1 millisecond'
           else o.changed_at
         end,
         excluded.changed_at
       ),
       sequencer = case when $16 and o.changed_at > $15 then '' else o.sequencer end,
       listed_at = excluded.listed_at,
       seen_by = excluded.seen_by,
       previous_live = o.live,
       previous_bytes = case when o.live then o.size_bytes else 0 end,
       previous_sequencer = o.sequencer
     where (o.changed_at < excluded.listed_at or o.changed_at > $15)
       and (o.listed_at is null or o.listed_at < excluded.listed_at)
       and (not o.live or o.size_bytes <> excluded.size_bytes) 
       and (o.live or o.version = '' or o.listed_at is not null)
     returning key, version, project_id, organization_id, unattributed_to, metered_object_type, previous_live, previous_bytes,
       size_bytes, greatest(changed_at, owned_since) as changed_at`,
    [
      plainArray(rows.map((row) => row.bucketId)),
      textArray(rows.map((row) => row.key)),
      textArray(rows.map((row) => row.version)),
      plainArray(rows.map((row) => row.organizationId)),
      plainArray(rows.map((row) => row.projectId)),
      textArray(rows.map((row) => row.unattributedTo)),
      textArray(rows.map((row) => row.type)),
      textArray(rows.map((row) => row.objectId)),
      plainArray(rows.map((row) => row.sizeBytes)),
      textArray(rows.map((row) => row.storageClass)),
      plainArray(rows.map((row) => toTimestamp(row.atMs))),
      toTimestamp(listedAtMs),
      measurementId,
      graceMs,
      toTimestamp(latestCredible(askedAtMs)),
      isOrderedByTime,
    ],
  );
  return corrected.map((row) => correctedObject(row, BigInt(row.size_bytes)));
}

interface CorrectedRow {
  readonly key: string;
  readonly version: string;
  readonly project_id: string | null;
  readonly organization_id: string | null;
  readonly unattributed_to: string | null;
  readonly metered_object_type: string;
  readonly previous_live: boolean | null;
  readonly previous_bytes: string | null;
  readonly size_bytes: string;
  readonly changed_at: Date;
}

function correctedObject(row: CorrectedRow, bytes: bigint): CorrectedObject {
  return {
    key: row.key,
    version: row.version,
    projectId: row.project_id,
    organizationId: row.organization_id,
    unattributedTo: row.unattributed_to,
    type: row.metered_object_type,
    previousLive: row.previous_live ?? false,
    previousBytes: BigInt(row.previous_bytes ?? 0),
    bytes,
    atMs: row.changed_at.getTime(),
  };
}

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
  { askedAtMs, graceMs }: ListingKnowledge,
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
      toTimestamp(latestCredible(askedAtMs)),
    ],
  );
  const [row] = rows;
  return row === undefined || row.last === null || Number(row.looked) < limit
    ? undefined
    : row.last;
}

export interface VanishedSum {
  readonly objects: number;
  readonly bytes: bigint;
}

export async function sumVanished(
  transaction: Transaction,
  measurementId: string,
): Promise<VanishedSum> {
  const { rows } = await transaction.query<{ objects: string; bytes: string }>(
    'select count(*) as objects, coalesce(sum(size_bytes), 0) as bytes from vanished_objects where measurement_id = $1',
    [measurementId],
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
  { askedAtMs, graceMs, isOrderedByTime }: ListingKnowledge,
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
       and o.live and (o.changed_at < v.listed_at or o.changed_at > $6) and (o.listed_at is null or o.listed_at <= v.listed_at)
     returning o.key, o.version, o.project_id, o.organization_id, o.unattributed_to, o.metered_object_type, o.previous_live,
       o.previous_bytes, o.size_bytes,
       greatest(o.changed_at + $5 * interval '1 millisecond', o.owned_since) as changed_at`,
    [
      plainArray(next.map(({ bucket_id }) => bucket_id)),
      textArray(next.map(({ key }) => key)),
      textArray(next.map(({ version }) => version)),
      next.map(({ listed_at }) => listed_at),
      graceMs,
      toTimestamp(latestCredible(askedAtMs)),
      isOrderedByTime,
    ],
  );
  return { removed: rows.map((row) => correctedObject(row, 0n)), looked: next.length };
}

export type CorrectionReason = 'missed_creation' | 'missed_change' | 'missed_removal';

/** Why a row was corrected that is listed. */
export function reasonOfListed(wasLive: boolean): CorrectionReason {
  return wasLive ? 'missed_change' : 'missed_creation';
}

/** Keeps what was corrected, each with its reason. */
export async function recordCorrections(
  transaction: Transaction,
  measurementId: string,
  bucketId: number,
  corrections: readonly (CorrectedObject & { readonly reason: CorrectionReason })[],
): Promise<void> {
  if (corrections.length === 0) return;
  await transaction.query(
    `insert into object_corrections (measurement_id, bucket_id, key, version, project_id, reason, bytes, objects)
     select $1, $2, * from unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::numeric[], $8::int[])`,
    [
      measurementId,
      bucketId,
      textArray(corrections.map(({ key }) => key)),
      textArray(corrections.map(({ version }) => version)),
      plainArray(corrections.map(({ projectId }) => projectId)),
      textArray(corrections.map(({ reason }) => reason)),
      plainArray(corrections.map(({ bytes, previousBytes }) => String(bytes - previousBytes))),
      plainArray(
        corrections.map(
          ({ reason }) => ({ missed_creation: 1, missed_change: 0, missed_removal: -1 })[reason],
        ),
      ),
    ],
  );
}
