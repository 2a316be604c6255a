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

/** What is known of a bucket from before a measurement. */
export interface BucketHistory {
  readonly declaredAtMs: number;
  /** When the last complete measurement began that could correct; undefined: there was none. */
  readonly completeAtMs: number | undefined;
}

export async function readBucketHistory(db: Queryable, bucketId: number): Promise<BucketHistory> {
  const { rows } = await db.query<{ declared_at: Date; complete_at: Date | null }>(
    `select declared_at, (
       select m.started_at from whole_measurements m
       where m.kind = 'bucket' and m.target = b.name and m.state = 'complete'
       order by m.id desc limit 1
     ) as complete_at
     from buckets b where id = $1`,
    [bucketId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no bucket with id ${bucketId}`);
  return {
    declaredAtMs: row.declared_at.getTime(),
    completeAtMs: row.complete_at?.getTime(),
  };
}
