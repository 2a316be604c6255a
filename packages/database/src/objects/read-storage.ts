import type { Queryable } from '../pool.ts';

/** How the ledger stands, over all buckets. */
export interface StorageProgress {
  /** Of live objects that are nobody's. */
  readonly unattributedBytes: number;
  readonly unattributedObjects: number;
  /** Projects whose levels changed since their gauges were recorded. */
  readonly unreadProjects: number;
  /** Up to where byte-hours are settled. */
  readonly settledThrough: Date;
  /** Buckets whose objects are being mapped again. */
  readonly bucketsToMap: number;
}

export async function readStorageProgress(db: Queryable): Promise<StorageProgress> {
  const { rows } = await db.query<StorageProgress>(
    `select l.bytes as "unattributedBytes", l.objects as "unattributedObjects",
       (select count(*)::float8 from storage_accounts where unread) as "unreadProjects",
       (select settled_through from storage_settlement) as "settledThrough",
       (select count(*)::float8 from buckets where mapped_version < mapping_version and retired_at is null) as "bucketsToMap"
     from (
       select coalesce(sum(bytes), 0)::float8 as bytes, coalesce(sum(objects), 0)::float8 as objects
       from storage_levels where project_id = 0
     ) l`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a sum has no row');
  return row;
}
