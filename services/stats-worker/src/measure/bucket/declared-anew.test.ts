import { afterEach, expect, test } from '@jest/globals';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { startFakeS3Server } from '@odometer/testing/fake-s3-server';
import {
  type BucketSystem,
  corrections,
  objectKey,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';
import { declareBucket, levels } from '../../../test/object-fixture.ts';

/** Declarations that change while a listing by the former one is under way. */

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

const NO_NOTIFICATIONS = { notifications: { kind: 'none' }, listConcurrency: 1 };

function declare(change: object): Promise<number> {
  const { url: endpoint } = system.server;
  return declareBucket(system.pool, { endpoint, forcePathStyle: true, ...change });
}

/** Lets something happen while a page of a listing is on its way, before it is counted. */
function duringPage(page: number, happen: () => Promise<unknown>): Partial<BucketSystem['parts']> {
  let pages = 0;
  return {
    openLister: async (declaration, signal) => {
      const lister = await system.parts.openLister(declaration, signal);
      return {
        ...lister,
        async *pages(range, pagesSignal) {
          for await (const listed of lister.pages(range, pagesSignal)) {
            // One more: the first of all is asked for to plan the listing.
            if (pages === page) await happen();
            pages += 1;
            yield listed;
          }
        },
      };
    },
  };
}

test('without a ledger: what keys mean is changed meanwhile, and all bytes are the new owner’s', async () => {
  const declaration = { ...NO_NOTIFICATIONS, ledger: 'listing' };
  system = await openBucketSystem({ maxPage: 5, declaration });
  system.fill(40);
  const keys = { keys: '{project}/…', organization: 'elsewhere' };
  const change = duringPage(4, () => declare({ ...declaration, ...keys }));
  const { state, figures } = await system.run('hourly', {}, { change });
  expect({ state, listed: figures.listed.objects, pages: figures.pages }).toEqual({
    state: 'complete',
    listed: '40',
    pages: '8',
  });
  expect(await levels(system.pool)).toEqual({ 'elsewhere/acme object': ['780', 40] });
  const { rows } = await system.pool.query(
    "select progress -> 'mappingVersion' as v from measurements",
  );
  expect(rows).toEqual([{ v: 2 }]);
});

test('also when it is changed at the very end, while uploads are looked for', async () => {
  const declaration = { ...NO_NOTIFICATIONS, ledger: 'listing' };
  system = await openBucketSystem({ declaration });
  system.fill(3);
  let isDeclared = false;
  const openLister: BucketSystem['parts']['openLister'] = async (bucket, signal) => ({
    ...(await system.parts.openLister(bucket, signal)),
    unfinishedUploads: async () => {
      const keys = { keys: '{project}/…', organization: 'elsewhere' };
      if (!isDeclared) await declare({ ...declaration, ...keys });
      isDeclared = true;
      return undefined;
    },
  });
  expect((await system.run('hourly', {}, { change: { openLister } })).state).toBe('complete');
  expect(await levels(system.pool)).toEqual({ 'elsewhere/acme object': ['3', 3] });
});

test.each(['full', 'hashed', 'listing'])(
  'a bucket whose name was wrong (%s): nothing of the other one is counted under the right one',
  async (ledger) => {
    const other = new SimulatedBucket({ name: 'typo', now: () => Date.now() - 7_200_000 });
    for (let index = 0; index < 300; index += 1) other.put(`acme/web/other/${index}`, 10);
    const server = await startFakeS3Server([other], { maxPage: 100 });
    try {
      const wrong = { bucket: 'typo', endpoint: server.url };
      const declaration = { ...NO_NOTIFICATIONS, ledger };
      system = await openBucketSystem({ declaration: { ...declaration, ...wrong } });
      system.fill(50);
      system.settle();
      const change = duringPage(1, () => declare(declaration));
      const { state, figures } = await system.run('backfill', {}, { change });
      expect({ state, figures }).toMatchObject({
        state: 'complete',
        figures: { listed: { objects: '50' }, vanished: { objects: '0' }, filled: true },
      });
      await system.expectExact();
      expect((await system.run()).state).toBe('complete');
      await system.expectExact();
    } finally {
      await server.close();
    }
  },
);

test('what it had added before it began anew still makes what vanished no smaller a share', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  system.fill(100);
  system.settle();
  await system.run('backfill');
  for (let index = 0; index < 100; index += 1) system.bucket.delete(objectKey(index));
  for (let index = 0; index < 500; index += 1) system.bucket.put(`acme/a/${1_000 + index}`, 1);
  system.settle();
  const change = duringPage(45, () => declare({ listConcurrency: 1, graceSeconds: 60 }));
  const refused = await system.run('hourly', {}, { change });
  const detail = expect.stringContaining('100 of 100 objects');
  expect(refused).toMatchObject({ state: 'refused', detail });
  expect(await corrections(system)).toHaveLength(500);
});

test('in the ledger: each object is once, and its new owner’s', async () => {
  system = await openBucketSystem({ maxPage: 5, declaration: NO_NOTIFICATIONS });
  system.fill(40);
  system.settle();
  const keys = { keys: '{project}/…', organization: 'elsewhere' };
  const change = duringPage(4, () => declare({ ...NO_NOTIFICATIONS, ...keys }));
  expect((await system.run('backfill', {}, { change })).state).toBe('complete');
  await system.expectExact();
  // Those of before are mapped again by their own job.
  const { rows } = await system.pool.query(
    "select count(*)::int as count from stored_objects where project_id = (select id from projects where slug = 'web')",
  );
  expect(rows).toEqual([{ count: 15 }]);
});
