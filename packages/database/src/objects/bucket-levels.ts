import type { Queryable } from '../pool.ts';

/** What a bucket holds by the ledger, or by its last listing. */
export interface BucketLevel {
  readonly type: string;
  /** Whether it is somebody's. */
  readonly isAttributed: boolean;
  readonly bytes: bigint;
  readonly objects: bigint;
}

/** Sums of a bucket's levels, by type and whether they are somebody's. */
export async function readBucketLevels(
  db: Queryable,
  bucketId: number,
): Promise<readonly BucketLevel[]> {
  const { rows } = await db.query<{
    type: string;
    is_attributed: boolean;
    bytes: string;
    objects: string;
  }>(
    `select metered_object_type as type, project_id <> 0 as is_attributed, sum(bytes) as bytes, sum(objects) as objects
     from storage_levels where bucket_id = $1 group by 1, 2 order by 1, 2`,
    [bucketId],
  );
  return rows.map(({ type, is_attributed, bytes, objects }) => ({
    type,
    isAttributed: is_attributed,
    bytes: BigInt(bytes),
    objects: BigInt(objects),
  }));
}

/** Live objects of a bucket, by the ledger or by its last listing. */
export async function countLiveObjects(db: Queryable, bucketId: number): Promise<number> {
  const { rows } = await db.query<{ objects: string }>(
    'select coalesce(sum(objects), 0) as objects from storage_levels where bucket_id = $1',
    [bucketId],
  );
  return Number(rows[0]?.objects ?? 0);
}

/** What is known of a bucket from before a measurement, since it was retired last. */
export interface BucketHistory {
  readonly declaredAtMs: number;
  /** When the last complete measurement began that could correct; undefined: there was none. */
  readonly completeAtMs: number | undefined;
  /** By what its keys meant then; undefined: there was none. */
  readonly listedMappingVersion: number | undefined;
  /**
   * Live objects of the ledger that listings have added since one was believed and took out what it did not have. They may be those of a
   * wrong bucket, and must not make what vanishes a small share of what is there.
   */
  readonly unbelievedObjects: number;
}

export async function readBucketHistory(db: Queryable, bucketId: number): Promise<BucketHistory> {
  const { rows } = await db.query<{
    declared_at: Date;
    complete_at: Date | null;
    mapping_version: string | null;
    unbelieved: string;
  }>(
    `select b.declared_at, complete.started_at as complete_at, complete.mapping_version,
       coalesce((
         -- The newest tells of all: each keeps what those before it have added.
         select (m.progress ->> 'unbelieved')::bigint
           + (m.progress #>> '{tally,corrections,missed_creation,objects}')::bigint
         from measurements m
         where m.kind = 'bucket' and m.target = b.name and m.id > greatest(swept.id, retired.id, 0)
           and m.progress ? 'unbelieved' and m.options ->> 'dryRun' is distinct from 'true'
           and (m.state = 'refused' or m.progress ->> 'filling' = 'false')
         order by m.id desc limit 1
       ), 0) as unbelieved
     from buckets b
     left join lateral (
       select started_at, progress ->> 'mappingVersion' as mapping_version from whole_measurements m
       where m.kind = 'bucket' and m.target = b.name and m.state = 'complete'
       order by m.id desc limit 1
     ) complete on true
     left join lateral (
       select id from whole_measurements m
       where m.kind = 'bucket' and m.target = b.name and m.state = 'complete'
         -- What filled the ledger is what there is to lose; a later backfill has only added to it.
         and (m.purpose <> 'backfill' or m.progress ->> 'filling' = 'true')
       order by m.id desc limit 1
     ) swept on true
     left join lateral (
       select max(id) as id from measurements m
       where m.kind = 'bucket' and m.target = b.name and m.purpose = 'retire' and m.state = 'complete'
     ) retired on true
     where b.id = $1`,
    [bucketId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no bucket with id ${bucketId}`);
  return {
    declaredAtMs: row.declared_at.getTime(),
    completeAtMs: row.complete_at?.getTime(),
    listedMappingVersion: row.mapping_version === null ? undefined : Number(row.mapping_version),
    unbelievedObjects: Number(row.unbelieved),
  };
}
