import type { Queryable } from '../pool.ts';

/** An object or version of the ledger, live or a tombstone. */
export interface StoredObjectRow {
  readonly bucket: string;
  readonly key: string;
  /** '' is the null version. */
  readonly version: string;
  readonly organization: string | null;
  readonly project: string | null;
  readonly type: string;
  readonly objectId: string | null;
  /** `s3://…`; null where keys are hashed. */
  readonly location: string | null;
  /** Decimal text. */
  readonly bytes: string;
  readonly storageClass: string | null;
  readonly live: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Where a page begins: after these. */
export interface StoredObjectPosition {
  readonly bucketId: string;
  readonly key: string;
  readonly version: string;
}

const SELECT = `select b.name as bucket, b.id::text as "bucketId", u.key, u.version, o.slug as organization,
    p.slug as project, u.metered_object_type as type, u.object_id as "objectId", u.object_location as location,
    u.usage_amount::text as bytes, u.storage_class as "storageClass", u.live,
    u.created_at as "createdAt", u.updated_at as "updatedAt"
  from usage_data u
  join buckets b on b.id = u.bucket_id
  left join projects p on p.id = u.project_id
  left join organizations o on o.id = u.organization_id`;

/** Objects of a bucket whose keys begin with a prefix, in the order of their keys. */
export async function listBucketObjects(
  db: Queryable,
  page: {
    readonly bucket: string;
    readonly prefix: string;
    /** Tombstones, too. */
    readonly removed: boolean;
    readonly after: StoredObjectPosition | undefined;
    readonly limit: number;
  },
): Promise<readonly (StoredObjectRow & StoredObjectPosition)[]> {
  const { rows } = await db.query<StoredObjectRow & StoredObjectPosition>(
    `${SELECT}
     where u.bucket_id = (select id from buckets where name = $1)
       and starts_with(u.key, $2) and u.key >= $2
       and (u.live or $3)
       and ($4::text is null or (u.key, u.version) > ($4, $5))
     order by u.key, u.version
     limit $6`,
    [
      page.bucket,
      page.prefix,
      page.removed,
      page.after?.key ?? null,
      page.after?.version ?? null,
      page.limit,
    ],
  );
  return rows;
}

/** What lies there of one object of a project, a scene or an upload: live objects in the order of their keys. */
export async function listObjectsOf(
  db: Queryable,
  page: {
    readonly projectId: string;
    readonly type: string;
    readonly objectId: string;
    readonly after: StoredObjectPosition | undefined;
    readonly limit: number;
  },
): Promise<readonly (StoredObjectRow & StoredObjectPosition)[]> {
  const { rows } = await db.query<StoredObjectRow & StoredObjectPosition>(
    `${SELECT}
     where u.project_id = $1 and u.metered_object_type = $2 and u.object_id = $3 and u.live
       and ($4::int is null or (u.bucket_id, u.key, u.version) > ($4, $5, $6))
     order by u.bucket_id, u.key, u.version
     limit $7`,
    [
      page.projectId,
      page.type,
      page.objectId,
      page.after?.bucketId ?? null,
      page.after?.key ?? null,
      page.after?.version ?? null,
      page.limit,
    ],
  );
  return rows;
}
