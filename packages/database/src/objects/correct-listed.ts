import { toTimestamp } from '@odometer/domain/period';
import { plainArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';
import { type CorrectedObject, type CorrectedRow, correctedObject } from './corrected-object.ts';
import type { ListingKnowledge } from './listing-knowledge.ts';
import { type StatedObject, statedColumns } from './object-row.ts';

/**
 * Makes rows what a listing has: those that are missing, and those that are not the same and have not changed since
 * the grace began. A row of a time that is yet to come was changed by a wrong clock, and is corrected too. A notification
 * that was applied meanwhile and is of something newer wins: the statement looks at the row once more. The row keeps its
 * sequencer, and notifications of what happened until then change it no more.
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
  rows: readonly StatedObject[],
  { askedAtMs, graceMs, credibleMs, isOrderedByTime }: ListingKnowledge,
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
      ...statedColumns(rows),
      plainArray(rows.map((row) => toTimestamp(row.atMs))),
      toTimestamp(listedAtMs),
      measurementId,
      graceMs,
      toTimestamp(credibleMs),
      isOrderedByTime,
    ],
  );
  return corrected.map((row) => correctedObject(row, BigInt(row.size_bytes)));
}
