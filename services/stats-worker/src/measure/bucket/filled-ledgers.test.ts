import { afterEach, expect, test } from '@jest/globals';
import {
  type BucketSystem,
  corrections,
  ledgerRows,
  objectKey,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';
import { levels } from '../../../test/object-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

test('28. a backfill that is done twice leaves the ledger as it was, and corrects nothing by the piece', async () => {
  system = await openBucketSystem({ versioning: 'enabled', maxPage: 7 });
  system.fill(40);
  for (let index = 0; index < 40; index += 3) system.bucket.put(objectKey(index), 1_000);
  system.settle();
  const first = await system.run('backfill');
  expect(first.figures).toMatchObject({
    filled: true,
    versioned: true,
    corrections: { missed_creation: { objects: '54' } },
  });
  const rows = await ledgerRows(system);
  await system.expectExact();
  const second = await system.run('backfill');
  expect(second.state).toBe('complete');
  expect(second.figures).toMatchObject({ drift: { objects: '0', bytes: '0' } });
  expect(await ledgerRows(system)).toEqual(rows);
  expect(await corrections(system)).toEqual([]);
});

test('a backfill of a bucket that is known corrects with an entry for each, and takes nothing out', async () => {
  system = await openBucketSystem();
  system.fill(3);
  system.settle();
  expect((await system.run('backfill')).figures).toMatchObject({ filled: true });
  expect(system.counts.byReason().map(([, count]) => count)).toEqual([0, 0, 0]);
  system.bucket.put(objectKey(7), 70);
  system.bucket.delete(objectKey(2));
  system.settle();
  expect((await system.run('backfill')).figures).toMatchObject({
    filled: false,
    corrections: { missed_creation: { objects: '1', bytes: '70' } },
  });
  expect(await corrections(system)).toEqual([
    { key: objectKey(7), version: '', reason: 'missed_creation', bytes: 70, objects: 1 },
  ]);
  expect(system.counts.byReason()).toContainEqual([{ reason: 'missed_creation' }, 1]);
  expect(await system.ledger()).toEqual({ bytes: 73n, objects: 4 });
});

test('a hashed ledger is filled, corrected and swept like any other, without a key in it', async () => {
  system = await openBucketSystem({
    maxPage: 4,
    declaration: { ledger: 'hashed', listConcurrency: 2 },
  });
  system.fill(30);
  system.settle();
  await system.run('backfill');
  await system.expectExact();
  const { rows } = await system.pool.query('select 1 from stored_objects where key like $1', [
    'acme%',
  ]);
  expect(rows).toEqual([]);
  for (let index = 0; index < 5; index += 1) system.bucket.delete(objectKey(index));
  system.bucket.put(objectKey(7), 70_000);
  system.bucket.put(objectKey(99), 9);
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({
    corrections: {
      missed_creation: { objects: '1' },
      missed_change: { objects: '1' },
      missed_removal: { objects: '5' },
    },
  });
  await system.expectExact();
  // What is told of it later finds the same row.
  await system.notify(system.bucket.delete(objectKey(99)));
  await system.expectExact();
});

test('a ledger of listings has no rows, and what the last complete listing says', async () => {
  system = await openBucketSystem({
    maxPage: 4,
    declaration: { ledger: 'listing', notifications: { kind: 'none' }, listConcurrency: 3 },
  });
  system.fill(20);
  system.bucket.put('acme/web/logs/1.gz', 1_000);
  system.bucket.put('elsewhere', 7);
  await system.run();
  await system.expectExact();
  expect(await levels(system.pool)).toEqual({
    'acme/web log': ['1000', 1],
    'acme/web object': ['190', 20],
    'nobody object': ['7', 1],
  });
  expect(await ledgerRows(system)).toEqual([]);

  system.bucket.put(objectKey(3), 5_000);
  system.bucket.delete('acme/web/logs/1.gz');
  await system.run();
  await system.expectExact();

  for (let index = 0; index < 15; index += 1) system.bucket.delete(objectKey(index));
  expect((await system.run()).state).toBe('refused');
  expect(await system.ledger()).toMatchObject({ objects: 21 });
  expect((await system.run('reconcile', { acceptDrift: true })).state).toBe('complete');
  await system.expectExact();
});
