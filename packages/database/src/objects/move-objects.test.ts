import { beforeAll, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { inTransaction } from '../pool.ts';
import type { ObjectName } from './current-objects.ts';
import { lockUnattributedObjects, setOwners } from './move-objects.ts';
import { readTuples } from './read-tuples.fixture.ts';

const OBJECTS = 20_000;
const AT_ONCE = 1_000;
const { pool } = useTestDatabase();
beforeAll(async () => {
  await pool.query(`
    insert into buckets (name, bucket, region, declaration) values ('a', 'a', 'r', '{}'), ('b', 'b', 'r', '{}');
    insert into stored_objects (bucket_id, key, unattributed_to, metered_object_type, size_bytes, live, sequencer, created_at, changed_at)
    select 1 + n % 2, 'k' || n, case when n % 4 = 0 then 'acme/app' else 'acme/web' end, 'object', 1, true, 'A', now(), now()
    from generate_series(1, ${OBJECTS}) n;
    analyze;
  `);
});

test('objects that wait for a name are all found, and each is walked past once', async () => {
  let after: ObjectName | undefined;
  let found = 0;
  let read = 0;
  for (let some = AT_ONCE; some === AT_ONCE; ) {
    some = await inTransaction(pool, async (transaction) => {
      const before = await readTuples(transaction, 'stored_objects');
      const objects = await lockUnattributedObjects(transaction, 'acme/web', after, AT_ONCE);
      read += (await readTuples(transaction, 'stored_objects')) - before;
      after = objects.at(-1);
      const owner = { organizationId: '1', projectId: '1', unattributedTo: null, ownedSinceMs: 0 };
      await setOwners(
        transaction,
        objects.map((object) => ({ ...object, ...owner })),
      );
      return objects.length;
    });
    found += some;
  }
  expect(found).toBe((OBJECTS * 3) / 4);
  expect(read).toBeLessThan(2 * found);
});
