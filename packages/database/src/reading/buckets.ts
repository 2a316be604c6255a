import type { Queryable } from '../pool.ts';

/** Bytes and objects of one type in a bucket, over all projects. */
export interface BucketTypeLevel {
  readonly type: string;
  /** Decimal text. */
  readonly bytes: string;
  readonly objects: string;
  /** Of these, what belongs to nobody. */
  readonly unattributedBytes: string;
  readonly unattributedObjects: string;
}

export interface BucketRow {
  readonly id: string;
  readonly name: string;
  readonly bucket: string;
  readonly region: string;
  readonly account: string | null;
  readonly endpoint: string | null;
  readonly ledger: string;
  readonly notifications: string;
  readonly levels: readonly BucketTypeLevel[];
}

/** Declared buckets with what lies in them, by name. */
export async function listBucketLevels(db: Queryable): Promise<readonly BucketRow[]> {
  const { rows } = await db.query<BucketRow>(
    `select b.id::text, b.name, b.bucket, b.region, b.account, b.endpoint,
       b.declaration ->> 'ledger' as ledger, b.declaration #>> '{notifications,kind}' as notifications,
       coalesce(levels.of_types, '[]') as levels
     from buckets b
     left join lateral (
       select jsonb_agg(jsonb_build_object(
         'type', t.metered_object_type, 'bytes', t.bytes::text, 'objects', t.objects::text,
         'unattributedBytes', t.unattributed_bytes::text, 'unattributedObjects', t.unattributed_objects::text
       ) order by t.metered_object_type) as of_types
       from (
         select metered_object_type, sum(bytes) as bytes, sum(objects) as objects,
           coalesce(sum(bytes) filter (where project_id = 0), 0) as unattributed_bytes,
           coalesce(sum(objects) filter (where project_id = 0), 0) as unattributed_objects
         from storage_levels l
         where l.bucket_id = b.id
         group by metered_object_type
         having sum(objects) <> 0 or sum(bytes) <> 0
       ) t
     ) levels on true
     where b.retired_at is null
     order by b.name`,
  );
  return rows;
}
