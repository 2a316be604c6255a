import { toTimestamp } from '@odometer/domain/period';
import { plainArray, textArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';
import { type ObjectRow, statedColumns } from './object-row.ts';

/** A row as it was, and whose it is. The owner of a row that is there stays who it was. */
export interface PreviousObject {
  readonly projectId: string | null;
  readonly organizationId: string | null;
  readonly unattributedTo: string | null;
  readonly type: string;
  readonly live: boolean;
  /** 0 of a tombstone. */
  readonly bytes: number;
  readonly sequencer: string;
  readonly listedAtMs: number | null;
  /** Nothing is counted for the owner from before this. */
  readonly ownedSinceMs: number | null;
}

export interface UpsertedObjects {
  /** Rows that were there and have changed, by their index. */
  readonly changed: ReadonlyMap<number, PreviousObject>;
  /** Indexes of rows that change nothing, because what is there is as new, or newer. All others are new. */
  readonly unchanged: ReadonlySet<number>;
}

/**
 * Writes what stores have told into the ledger, sorted, in one statement that also tells what was there: read before, it
 * would be what was there before a rival's transaction.
 *
 * - The null version: the newer sequencer holds. After a correction only what happened after the listing does.
 * - A version: created → removed, whatever the order; no notification brings it back. One that only a listing has removed
 *   may be brought back by another listing, until its removal is told too.
 *
 * @param rows one for each object and version.
 */
export async function upsertObjects(
  transaction: Transaction,
  rows: readonly ObjectRow[],
): Promise<UpsertedObjects> {
  const { rows: told } = await transaction.query<{
    index: string;
    project_id: string | null;
    organization_id: string | null;
    unattributed_to: string | null;
    metered_object_type: string;
    previous_live: boolean | null;
    previous_bytes: string;
    previous_sequencer: string;
    listed_at: Date | null;
    owned_since: Date | null;
  }>(
    // Without a name: a plan made once for all lengths of arrays would join them row by row.
    `with told as materialized (
       select * from unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
         $9::bigint[], $10::text[], $11::boolean[], $12::text[], $13::timestamptz[], $14::timestamptz[]) with ordinality
         as t (bucket_id, key, version, organization_id, project_id, unattributed_to, metered_object_type, object_id,
           size_bytes, storage_class, live, sequencer, at, owned_since, ordinal)
     ), written as (
       insert into stored_objects as o (bucket_id, key, version, organization_id, project_id, unattributed_to,
         metered_object_type, object_id, size_bytes, storage_class, live, sequencer, created_at, changed_at, owned_since)
       select bucket_id, key, version, organization_id, project_id, unattributed_to, metered_object_type, object_id,
         size_bytes, storage_class, live, sequencer, at, at, owned_since
       from told order by bucket_id, key collate "C", version collate "C"
       on conflict (bucket_id, key, version) do update
       set live = excluded.live,
         size_bytes = case when excluded.live then excluded.size_bytes else o.size_bytes end,
         storage_class = case when excluded.live then excluded.storage_class else o.storage_class end,
         created_at = case when excluded.live then excluded.created_at else o.created_at end,
         sequencer = excluded.sequencer,
         changed_at = excluded.changed_at,
         owned_since = greatest(o.owned_since, excluded.owned_since),
         -- A version's removal is told: from now on it is final, and no listing's any more.
         listed_at = case when o.version = '' then o.listed_at end,
         previous_live = o.live,
         previous_bytes = case when o.live then o.size_bytes else 0 end,
         previous_sequencer = o.sequencer
       where case when o.version = ''
         then excluded.sequencer > o.sequencer and (o.listed_at is null or excluded.changed_at > o.listed_at)
         else not excluded.live and (o.live or o.listed_at is not null)
       end
       returning bucket_id, key, version, project_id, organization_id, unattributed_to, metered_object_type, previous_live, previous_bytes,
         previous_sequencer, listed_at, owned_since
     )
     select t.ordinal - 1 as index, w.project_id, w.organization_id, w.unattributed_to, w.metered_object_type, w.previous_live, w.previous_bytes,
       w.previous_sequencer, w.listed_at, w.owned_since
     from told t
     left join written w on w.bucket_id = t.bucket_id and w.key = t.key collate "C" and w.version = t.version collate "C"
     where w.key is null or w.previous_live is not null`,
    [
      ...statedColumns(rows),
      plainArray(rows.map((row) => (row.live ? 't' : 'f'))),
      textArray(rows.map((row) => row.sequencer)),
      plainArray(rows.map((row) => toTimestamp(row.atMs))),
      plainArray(
        rows.map(({ ownedSinceMs }) => (ownedSinceMs === null ? null : toTimestamp(ownedSinceMs))),
      ),
    ],
  );
  const changed = new Map<number, PreviousObject>();
  const unchanged = new Set<number>();
  for (const row of told) {
    const index = Number(row.index);
    if (row.previous_live === null) {
      unchanged.add(index);
      continue;
    }
    changed.set(index, {
      projectId: row.project_id,
      organizationId: row.organization_id,
      unattributedTo: row.unattributed_to,
      type: row.metered_object_type,
      live: row.previous_live,
      bytes: Number(row.previous_bytes),
      sequencer: row.previous_sequencer,
      listedAtMs: row.listed_at?.getTime() ?? null,
      ownedSinceMs: row.owned_since?.getTime() ?? null,
    });
  }
  return { changed, unchanged };
}
