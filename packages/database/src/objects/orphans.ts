import type { Queryable } from '../pool.ts';

/** A live object whose owner is deleted. */
export interface Orphan extends OrphanPosition {
  readonly bucket: string;
  readonly organization: string;
  readonly project: string;
  readonly sizeBytes: string;
  readonly deletedAt: Date;
  /** Who said that the owner is deleted, and when: see DeletedOwner. */
  readonly recordedBy: string;
  readonly recordedAt: Date;
}

/** Orphans are ordered by their owners, and those of an owner by their names. */
export interface OrphanPosition {
  readonly projectId: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly bucketId: number;
  /** A hash in a bucket whose ledger is hashed. */
  readonly key: string;
  readonly version: string;
}

const FILTERED = `($1::bigint is null or d.project_id = $1) and ($10::text is null or d.object_type = $10)
  and ($11::text is null or d.object_id = $11)`;

/** Objects of the owner `w` after its start, in buckets that are declared, in the order of the index stored_objects_by_owner. */
const OF_OWNER = `
  from stored_objects o
  where o.project_id = w.project_id and o.metered_object_type = w.object_type and o.object_id = w.object_id
    and o.object_id is not null and o.live and ($2::int is null or o.bucket_id = $2)
    and (o.bucket_id, o.key, o.version) > (w.bucket_id, w.key, w.version)
    and not exists (select from buckets r where r.id = o.bucket_id and r.retired_at is not null)`;

/**
 * Live objects of deleted owners, a page at a time.
 *
 * It goes from owner to owner only until their objects fill the page: sorting all that are left, for each page, would take
 * a second at 180,000 orphans. Objects of the page are looked at twice, to be counted and to be read.
 *
 * @param options.bucketId only those in this bucket.
 */
export async function listOrphans(
  db: Queryable,
  options: {
    readonly projectId?: string;
    readonly objectType?: string;
    readonly objectId?: string;
    readonly bucketId?: number;
    readonly after?: OrphanPosition;
    readonly limit: number;
  },
): Promise<readonly Orphan[]> {
  const { projectId, objectType, objectId, bucketId, after, limit } = options;
  const { rows } = await db.query<Orphan>(
    `with recursive walked as (
       select w.*, (select count(*) from (select ${OF_OWNER} limit $9) as counted) as found
       from (
         select d.*, case when is_first then $6 else 0 end as bucket_id, case when is_first then $7 else '' end as key,
           case when is_first then $8 else '' end as version
         from deleted_owners d
         cross join lateral (
           select (d.project_id, d.object_type, d.object_id) = ($3::bigint, $4::text, $5::text) as is_first
         ) f
         where ${FILTERED}
           and (d.project_id, d.object_type, d.object_id) >= ($3::bigint, $4::text, $5::text)
         order by d.project_id, d.object_type, d.object_id limit 1
       ) w
       union all
       select w.*, v.found + (select count(*) from (select ${OF_OWNER} limit $9) as counted)
       from walked v
       cross join lateral (
         select d.*, 0 as bucket_id, '' as key, '' as version
         from deleted_owners d
         where ${FILTERED}
           and (d.project_id, d.object_type, d.object_id) > (v.project_id, v.object_type, v.object_id)
         order by d.project_id, d.object_type, d.object_id limit 1
       ) w
       where v.found < $9
     )
     select w.project_id as "projectId", w.object_type as "objectType", w.object_id as "objectId",
       o.bucket_id as "bucketId", o.key, o.version, b.name as bucket, g.slug as organization, p.slug as project,
       o.size_bytes as "sizeBytes", w.deleted_at as "deletedAt", w.recorded_by as "recordedBy", w.recorded_at as "recordedAt"
     from walked w
     cross join lateral (
       select o.bucket_id, o.key, o.version, o.size_bytes ${OF_OWNER}
       order by o.bucket_id, o.key, o.version limit $9
     ) o
     join buckets b on b.id = o.bucket_id
     join projects p on p.id = w.project_id
     join organizations g on g.id = p.organization_id
     order by w.project_id, w.object_type, w.object_id, o.bucket_id, o.key, o.version limit $9`,
    [
      projectId ?? null,
      bucketId ?? null,
      after?.projectId ?? '0',
      after?.objectType ?? '',
      after?.objectId ?? '',
      after?.bucketId ?? 0,
      after?.key ?? '',
      after?.version ?? '',
      limit,
      objectType ?? null,
      objectId ?? null,
    ],
  );
  return rows;
}
