import { toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';

/** Something that objects belonged to, and that is gone for good. */
export interface DeletedOwner {
  readonly projectId: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly deletedAtMs: number;
}

/** Records deleted owners; who is recorded already stays as it is. */
export async function recordDeletedOwners(
  db: Queryable,
  owners: readonly DeletedOwner[],
): Promise<void> {
  if (owners.length === 0) return;
  await db.query(
    `insert into deleted_owners (project_id, object_type, object_id, deleted_at)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) as d (project_id, object_type, object_id, at)
     order by 1, 2, 3
     on conflict do nothing`,
    [
      owners.map(({ projectId }) => projectId),
      owners.map(({ objectType }) => objectType),
      owners.map(({ objectId }) => objectId),
      owners.map(({ deletedAtMs }) => toTimestamp(deletedAtMs)),
    ],
  );
}

/** A live object whose owner is deleted. */
export interface Orphan {
  readonly bucketId: number;
  readonly bucket: string;
  /** A hash in a bucket whose ledger is hashed. */
  readonly key: string;
  readonly version: string;
  readonly organization: string;
  readonly project: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly sizeBytes: string;
  readonly deletedAt: Date;
}

export interface OrphanPosition {
  readonly bucketId: number;
  readonly key: string;
  readonly version: string;
}

/** Live objects of deleted owners in the order of their keys, a page at a time. */
export async function listOrphans(
  db: Queryable,
  options: {
    readonly projectId?: string;
    readonly bucketId?: number;
    readonly after?: OrphanPosition;
    readonly limit: number;
  },
): Promise<readonly Orphan[]> {
  const { projectId, bucketId, after, limit } = options;
  const { rows } = await db.query<Orphan>(
    `select o.bucket_id as "bucketId", b.name as bucket, o.key, o.version, g.slug as organization, p.slug as project,
       o.metered_object_type as "objectType", o.object_id as "objectId", o.size_bytes as "sizeBytes",
       d.deleted_at as "deletedAt"
     from deleted_owners d
     join stored_objects o on o.project_id = d.project_id and o.metered_object_type = d.object_type
       and o.object_id = d.object_id and o.object_id is not null and o.live
     join buckets b on b.id = o.bucket_id
     join projects p on p.id = d.project_id
     join organizations g on g.id = p.organization_id
     where ($1::bigint is null or d.project_id = $1) and ($2::int is null or o.bucket_id = $2)
       and ($3::int is null or (o.bucket_id, o.key, o.version) > ($3, $4, $5))
     order by o.bucket_id, o.key, o.version limit $6`,
    [
      projectId ?? null,
      bucketId ?? null,
      after?.bucketId ?? null,
      after?.key ?? '',
      after?.version ?? '',
      limit,
    ],
  );
  return rows;
}
