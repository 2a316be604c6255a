import { beforeAll, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { inTransaction } from '../pool.ts';
import { listOrphans, type Orphan } from './orphans.ts';
import { readTuples } from './read-tuples.fixture.ts';

const { pool } = useTestDatabase();
beforeAll(async () => {
  await pool.query(`
    insert into organizations (slug) values ('acme');
    insert into projects (organization_id, slug) values (1, 'web'), (1, 'app');
    insert into buckets (name, bucket, region, declaration) values ('a', 'a', 'r', '{}'), ('b', 'b', 'r', '{}');
    -- 30 owners in two projects and two buckets, of 400 objects and versions each; every fifth object is gone already.
    insert into stored_objects (bucket_id, key, version, organization_id, project_id, metered_object_type, object_id,
      size_bytes, live, sequencer, created_at, changed_at)
    select b, p || '/k' || n || '/' || o, v, 1, p, 'scene', o, 1, n % 5 <> 0, 'A', now(), now()
    from generate_series(1, 2) b, generate_series(1, 2) p, generate_series(1, 15) o, generate_series(1, 100) n,
      unnest(array['', 'v1']) v;
    -- And some without a single object.
    insert into deleted_owners (project_id, object_type, object_id, deleted_at, recorded_by)
    select p, 'scene', o, now(), 'event:test' from generate_series(1, 2) p, generate_series(1, 25) o where o <> 7;
    analyze;
  `);
});

const named = ({ projectId, bucketId, key, version }: Orphan) =>
  `${projectId} ${bucketId} ${key} ${version}`;

async function pages(filter: object, limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: Orphan | undefined; ; ) {
    const page = await listOrphans(pool, { ...filter, ...(after && { after }), limit });
    found.push(...page.map(named));
    if (page.length < limit) return found;
    after = page.at(-1);
  }
}

test.each([
  ['all', {}, 2 * 14 * 320],
  ['those of a project', { projectId: '2' }, 14 * 320],
  ['those in a bucket', { bucketId: 2 }, 2 * 14 * 160],
  ['those of a project in a bucket', { projectId: '1', bucketId: 1 }, 14 * 160],
])('%s are listed once each, whatever the length of a page', async (_, filter, count) => {
  const all = await pages(filter, 100_000);
  expect(new Set(all).size).toBe(count);
  for (const limit of [60, 1_000]) expect(await pages(filter, limit)).toEqual(all);
});

test('a page reads what is on it, and not all that is left', async () => {
  const [after] = (await listOrphans(pool, { limit: 1_000 })).slice(-1);
  const read = await inTransaction(pool, async (transaction) => {
    const before = await readTuples(transaction, 'stored_objects');
    await listOrphans(transaction, { ...(after && { after }), limit: 100 });
    return (await readTuples(transaction, 'stored_objects')) - before;
  });
  expect(read).toBeGreaterThan(100);
  expect(read).toBeLessThan(1_000);
});
