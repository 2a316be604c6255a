import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import { isSameBucket } from '@odometer/domain/objects/same-bucket';
import { plainArray, textArray } from '../array-parameter.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { listBuckets } from './buckets.ts';
import type { ObjectPosition } from './move-objects.ts';

/**
 * A bucket that is declared no more:
 *
 *   declared ──▶ retired (nothing is counted of it; what was is being taken out) ──▶ emptied ──▶ declared anew, or never
 */
export interface RetiredBucket {
  readonly id: number;
  /** Its byte-hours end here. */
  readonly retiredAtMs: number;
  readonly isEmptied: boolean;
}

/** @returns undefined when it is declared, or never was. */
export async function findRetiredBucket(
  db: Queryable,
  name: string,
): Promise<RetiredBucket | undefined> {
  const { rows } = await db.query<{ id: number; retired_at: Date; emptied: boolean }>(
    `select id, retired_at, emptied_at is not null as emptied from buckets where name = $1 and retired_at is not null`,
    [name],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return { id: row.id, retiredAtMs: row.retired_at.getTime(), isEmptied: row.emptied };
}

/**
 * Ends a declaration. Demands the catalogue's lock, which whoever counts holds shared: all that is counted was counted before.
 *
 * What is the same bucket under another name was not counted as long as this one was; it is from now on, and not from when it was
 * declared: those byte-hours are this one's.
 *
 * @returns whether it was declared.
 */
export async function retireBucket(transaction: Transaction, name: string): Promise<boolean> {
  const { rows } = await transaction.query<{ declaration: unknown; retired_at: string }>(
    `update buckets set retired_at = clock_timestamp() where name = $1 and retired_at is null
     returning declaration, retired_at::text`,
    [name],
  );
  const [retired] = rows;
  if (retired === undefined) return false;
  const { data: place } = bucketDeclarationSchema.safeParse(retired.declaration);
  if (place === undefined) return true;
  const same = (await listBuckets(transaction)).filter(({ declaration }) => {
    const { data } = bucketDeclarationSchema.safeParse(declaration);
    return data !== undefined && isSameBucket(data, place);
  });
  await transaction.query('update buckets set declared_at = $2 where id = any($1::int[])', [
    same.map(({ id }) => id),
    retired.retired_at,
  ]);
  return true;
}

export async function markEmptied(transaction: Transaction, bucketId: number): Promise<void> {
  await transaction.query('update buckets set emptied_at = clock_timestamp() where id = $1', [
    bucketId,
  ]);
}

/** Takes rows out of the ledger for good, tombstones too. Demands their locks. */
export async function deleteObjects(
  transaction: Transaction,
  bucketId: number,
  positions: readonly ObjectPosition[],
): Promise<void> {
  await transaction.query(
    `delete from stored_objects o using unnest($2::text[], $3::text[]) as n (key, version)
     where o.bucket_id = $1 and o.key = n.key collate "C" and o.version = n.version collate "C"`,
    [
      bucketId,
      textArray(positions.map(({ key }) => key)),
      textArray(positions.map(({ version }) => version)),
    ],
  );
}

/** What was taken out of the levels of somebody; the key is empty where the bucket had no ledger. */
export interface RetiredObject extends ObjectPosition {
  readonly projectId: string | null;
  readonly bytes: bigint;
  readonly objects: number;
}

/** Keeps what was taken out, each with the reason `retired`. */
export async function recordRetired(
  transaction: Transaction,
  measurementId: string,
  bucketId: number,
  retired: readonly RetiredObject[],
): Promise<void> {
  if (retired.length === 0) return;
  await transaction.query(
    `insert into object_corrections (measurement_id, bucket_id, key, version, project_id, reason, bytes, objects)
     select $1, $2, key, version, project_id, 'retired', -bytes, -objects
     from unnest($3::text[], $4::text[], $5::bigint[], $6::numeric[], $7::int[]) as r (key, version, project_id, bytes, objects)`,
    [
      measurementId,
      bucketId,
      textArray(retired.map(({ key }) => key)),
      textArray(retired.map(({ version }) => version)),
      plainArray(retired.map(({ projectId }) => projectId)),
      plainArray(retired.map(({ bytes }) => String(bytes))),
      plainArray(retired.map(({ objects }) => objects)),
    ],
  );
}

/** A level of a bucket; projectId null: nobody's. */
export interface HeldLevel {
  readonly projectId: string | null;
  readonly organizationId: string | null;
  readonly type: string;
  readonly bytes: bigint;
  readonly objects: number;
}

/** What somebody has in a bucket, by its levels. Whatever a ledger explains is not in it once the ledger is empty. */
export async function heldLevels(db: Queryable, bucketId: number): Promise<readonly HeldLevel[]> {
  const { rows } = await db.query<{
    project_id: string | null;
    organization_id: string | null;
    type: string;
    bytes: string;
    objects: string;
  }>(
    `select nullif(l.project_id, 0) as project_id, p.organization_id, l.metered_object_type as type, l.bytes, l.objects
     from storage_levels l left join projects p on p.id = l.project_id
     where l.bucket_id = $1 and (l.bytes, l.objects) <> (0, 0)
     order by l.project_id, l.metered_object_type`,
    [bucketId],
  );
  return rows.map(({ project_id, organization_id, type, bytes, objects }) => ({
    projectId: project_id,
    organizationId: organization_id,
    type,
    bytes: BigInt(bytes),
    objects: Number(objects),
  }));
}
