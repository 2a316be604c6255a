import { expect } from '@jest/globals';
import { lockCatalogue } from '@odometer/database/advisory-locks';
import { raiseCatalogueVersion } from '@odometer/database/meters/catalogue';
import { putBucket } from '@odometer/database/objects/buckets';
import { retireBucket } from '@odometer/database/objects/retired-buckets';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import { comparableSequencer } from '@odometer/domain/objects/sequencer';

/** Declares a bucket as `odometer apply` does, long before anything is stored in it. @returns its id. */
export async function declareBucket(pool: Pool, change: object = {}): Promise<number> {
  const declaration = bucketDeclarationSchema.parse({
    name: 'assets',
    bucket: 'acme-assets',
    notifications: {
      kind: 'sqs',
      queueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/q',
    },
    types: [
      { pattern: 'scenes/{object_id}/…', type: 'scene' },
      { pattern: 'logs/…', type: 'log' },
    ],
    ...change,
  });
  return inTransaction(pool, async (transaction) => {
    await lockCatalogue(transaction);
    await raiseCatalogueVersion(transaction);
    const { id } = await putBucket(transaction, declaration);
    await transaction.query("update buckets set declared_at = '2020-01-01' where id = $1", [id]);
    return id;
  });
}

/** Ends a declaration as `odometer retire` does. What is counted of it is still to be taken out. */
export async function retire(pool: Pool, name: string): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    await lockCatalogue(transaction);
    await raiseCatalogueVersion(transaction);
    expect(await retireBucket(transaction, name)).toBe(true);
  });
}

/** When the tests' objects are changed, unless they say otherwise. */
export const STORED_AT_MS = Date.now() - 3_600_000;

/** What a store tells, of the bucket with id 1. The sequencer is hexadecimal, as it comes. */
export function stored(
  key: string,
  sizeBytes: number,
  sequencer: string,
  change: Partial<ObjectChange> = {},
): ObjectChange {
  return {
    bucketId: 1,
    key,
    version: '',
    action: 'created',
    sizeBytes,
    atMs: STORED_AT_MS,
    ...change,
    sequencer: comparableSequencer(sequencer) ?? '',
  };
}

export function removed(
  key: string,
  sequencer: string,
  change: Partial<ObjectChange> = {},
): ObjectChange {
  return { ...stored(key, 0, sequencer, change), action: 'removed' };
}

/** `organization/project type` → bytes and objects, as the levels have it, of all buckets. Empty ones are left out. */
export async function levels(pool: Pool): Promise<Record<string, readonly [string, number]>> {
  const { rows } = await pool.query<{ name: string; bytes: string; objects: number }>(
    `select coalesce(g.slug || '/' || p.slug, 'nobody') || ' ' || l.metered_object_type as name,
       sum(l.bytes)::text as bytes, sum(l.objects)::int as objects
     from storage_levels l
     left join projects p on p.id = l.project_id
     left join organizations g on g.id = p.organization_id
     group by 1 having sum(l.objects) <> 0 or sum(l.bytes) <> 0 order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, bytes, objects }) => [name, [bytes, objects]]));
}

/**
 * What must hold after whatever was done: levels are the sum over the live rows, each project that has any has an account,
 * and what its account has settled and is to settle comes to its level; so does what is kept for names.
 */
export async function expectLevelsToAddUp(pool: Pool): Promise<void> {
  const { rows } = await pool.query(
    `with truth as (
       select bucket_id, coalesce(project_id, 0) as project_id, metered_object_type, sum(size_bytes) as bytes,
         count(*) as objects
       from stored_objects where live group by 1, 2, 3
     )
     select bucket_id, project_id, metered_object_type, t.bytes as true_bytes, l.bytes, t.objects as true_objects, l.objects
     from truth t full join storage_levels l using (bucket_id, project_id, metered_object_type)
     where coalesce(t.bytes, 0) <> coalesce(l.bytes, 0) or coalesce(t.objects, 0) <> coalesce(l.objects, 0)`,
  );
  expect(rows).toEqual([]);
  const accounts = await pool.query(
    `with level as (
       select project_id, sum(bytes) as bytes from storage_levels where project_id <> 0 group by 1
     ), booked as (
       select a.project_id, a.settled_bytes + coalesce((
         select sum(c.bytes) from storage_changes c where c.project_id = a.project_id
       ), 0) as bytes
       from storage_accounts a
     )
     select project_id, l.bytes as level, b.bytes as booked from level l full join booked b using (project_id)
     where coalesce(l.bytes, 0) <> coalesce(b.bytes, 0)`,
  );
  expect(accounts.rows).toEqual([]);
  const names = await pool.query(
    `with live as (
       select unattributed_to as name, sum(size_bytes) as bytes from stored_objects
       where live and unattributed_to is not null group by 1
     ), kept as (
       select organization || '/' || project as name, sum(bytes) as bytes from unattributed_storage_changes group by 1
     )
     select name, l.bytes as live, k.bytes as kept from live l full join kept k using (name)
     where coalesce(l.bytes, 0) <> coalesce(k.bytes, 0)`,
  );
  expect(names.rows).toEqual([]);
}
