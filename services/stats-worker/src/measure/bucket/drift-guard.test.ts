import { afterEach, expect, test } from '@jest/globals';
import {
  type BucketSystem,
  corrections,
  ledgerRows,
  objectKey,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';
import { declareBucket, levels } from '../../../test/object-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

test('28. when 60 % would vanish the listing is refused, unless an operator says that it is so', async () => {
  system = await openBucketSystem();
  system.fill(100);
  system.settle();
  await system.run('backfill');
  const before = await ledgerRows(system);
  for (let index = 0; index < 60; index += 1) system.bucket.delete(objectKey(index));
  system.settle();

  const dry = await system.run('reconcile', { dryRun: true });
  expect(dry.figures).toMatchObject({
    dryRun: true,
    wouldBeRefused: true,
    vanished: { objects: '60', bytes: '1770' },
    corrections: { missed_removal: { objects: '60', bytes: '-1770' } },
  });
  for (const purpose of ['hourly', 'reconcile'] as const) {
    const refused = await system.run(purpose);
    expect(refused).toMatchObject({ state: 'refused', failure: 'measurement_refused' });
    expect(refused.detail).toContain('60 of 100 objects, 1770 bytes');
  }
  expect(await ledgerRows(system)).toEqual(before);
  expect(await corrections(system)).toEqual([]);

  expect((await system.run('reconcile', { acceptDrift: true })).state).toBe('complete');
  await system.expectExact();
  expect(await corrections(system)).toHaveLength(60);
});

test('28. a bucket that was replaced is refused however much lies in the other one, and as long as nobody accepts it', async () => {
  system = await openBucketSystem();
  system.fill(100);
  system.settle();
  await system.run('backfill');
  for (let index = 0; index < 100; index += 1) system.bucket.delete(objectKey(index));
  for (let index = 0; index < 500; index += 1) system.bucket.put(`acme/other/${index}`, 1);
  system.settle();
  const dry = await system.run('reconcile', { dryRun: true });
  expect(dry.figures).toMatchObject({ wouldBeRefused: true, vanished: { objects: '100' } });
  // What the first one has added makes those that vanished no smaller a share for the next one.
  for (const purpose of ['hourly', 'hourly', 'backfill', 'hourly'] as const) {
    const { state, detail } = await system.run(purpose);
    expect(state).toBe(purpose === 'backfill' ? 'complete' : 'refused');
    if (state === 'refused') expect(detail).toContain('100 of 100 objects, 4950 bytes');
    expect(await system.ledger()).toEqual({ bytes: 5_450n, objects: 600 });
  }
  expect((await system.run('reconcile', { acceptDrift: true })).state).toBe('complete');
  await system.expectExact();
  expect((await system.run()).state).toBe('complete');
});

test('what refused listings leave behind is gone when the next one begins, but for how the last complete one was cut', async () => {
  system = await openBucketSystem({ maxPage: 2, declaration: { listConcurrency: 2 } });
  system.fill(100);
  system.settle();
  const { id: complete } = await system.run('backfill');
  for (let index = 0; index < 60; index += 1) system.bucket.delete(objectKey(index));
  system.settle();
  const refused = [await system.run(), await system.run(), await system.run()];
  const left = async (table: string) => {
    const { rows } = await system.pool.query<{ id: string; count: number }>(
      `select measurement_id::text as id, count(*)::int as count from ${table} group by measurement_id order by measurement_id`,
    );
    return rows;
  };
  const last = refused.at(-1)?.id;
  expect(await left('vanished_objects')).toEqual([{ id: last, count: 60 }]);
  expect((await left('listing_shards')).map(({ id }) => id)).toEqual([complete, last]);
});

test('28. a replaced bucket without a ledger is refused, one whose keys mean something else is not', async () => {
  const declaration = { ledger: 'listing', notifications: { kind: 'none' } };
  system = await openBucketSystem({ declaration });
  system.fill(100);
  await system.run();
  for (let index = 0; index < 100; index += 1) system.bucket.delete(objectKey(index));
  for (let index = 0; index < 500; index += 1) system.bucket.put(`acme/other/${index}`, 1);
  const refused = await system.run();
  expect(refused.detail).toContain('100 of 100 objects, 4950 bytes');
  expect(await levels(system.pool)).toEqual({ 'acme/web object': ['4950', 100] });
  expect((await system.run('reconcile', { acceptDrift: true })).state).toBe('complete');
  await system.expectExact();

  const { url: endpoint } = system.server;
  const keys = { keys: '{project}/…', organization: 'elsewhere' };
  await declareBucket(system.pool, { ...declaration, ...keys, endpoint, forcePathStyle: true });
  expect((await system.run()).state).toBe('complete');
  expect(await levels(system.pool)).toEqual({ 'elsewhere/acme object': ['500', 500] });
  for (let index = 0; index < 300; index += 1) system.bucket.delete(`acme/other/${index}`);
  expect((await system.run()).state).toBe('refused');
});

test('28. none may vanish where the share is 0', async () => {
  system = await openBucketSystem({ declaration: { maxVanishingPercent: 0 } });
  system.fill(40);
  system.settle();
  await system.run('backfill');
  expect((await system.run()).state).toBe('complete');
  system.bucket.delete(objectKey(0));
  system.settle();
  const refused = await system.run();
  expect(refused.state).toBe('refused');
  expect(refused.detail).toContain('1 of 40 objects');
  expect((await system.ledger()).objects).toBe(40);
  expect((await system.run('reconcile', { acceptDrift: true })).state).toBe('complete');
  expect((await system.ledger()).objects).toBe(39);
});

test('28. a handful may vanish from a bucket that has no more', async () => {
  system = await openBucketSystem();
  system.fill(3);
  system.settle();
  await system.run('backfill');
  system.bucket.delete(objectKey(0));
  system.bucket.delete(objectKey(1));
  system.settle();
  expect((await system.run()).state).toBe('complete');
  await system.expectExact();
});

const DENIED = { kind: 'answer', status: 403, body: '' } as const;
const EMPTY_PAGE = {
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: '<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>',
} as const;

/** Lists until a page that is denied, so that the next listing goes on there. */
async function failAtPage(page: number): Promise<void> {
  let pages = 0;
  system.server.misbehave = ({ query }) => {
    if (query.has('list-type')) pages += 1;
    return pages >= page ? DENIED : undefined;
  };
  expect((await system.run()).state).toBe('failed');
  system.server.misbehave = undefined;
}

test.each([
  [2, (index: number) => index < 10 || index >= 498, '20 of 30 objects'],
  [50, (index: number) => index >= 488, '28 of 30 objects'],
] as const)(
  '28. a listing that goes on from page %i is held against what is left, not against what there was when it began',
  async (page, isLeft, told) => {
    system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
    system.fill(518);
    system.settle();
    await system.run('backfill');
    await failAtPage(page);
    const gone = Array.from({ length: 518 }, (_, index) => index).filter((index) => !isLeft(index));
    await system.notify(...gone.map((index) => system.bucket.delete(objectKey(index))));
    system.settle();
    expect(await system.ledger()).toMatchObject({ objects: 30 });
    const before = await ledgerRows(system);
    system.server.misbehave = ({ query }) => (query.has('list-type') ? EMPTY_PAGE : undefined);
    const refused = await system.run();
    expect(refused).toMatchObject({ state: 'refused', detail: expect.stringContaining(told) });
    expect(await ledgerRows(system)).toEqual(before);
  },
);

test('28. a listing that goes on is held against what it could have missed, also of what came since it began', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  system.fill(30);
  system.settle();
  await system.run('backfill');
  await failAtPage(2);
  const added = Array.from({ length: 500 }, (_, index) => index + 30);
  await system.notify(...added.map((index) => system.bucket.put(objectKey(index), 1)));
  for (let index = 12; index < 24; index += 1) system.bucket.delete(objectKey(index));
  system.settle();
  expect((await system.run()).figures).toMatchObject({ vanished: { objects: '12' } });
  await system.expectExact();
});

test('28. what came where it had been already, or was added by itself, makes what a listing misses no smaller a share', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  // In the order of keys: what comes later, what the wrong store has, and what it misses.
  for (let index = 0; index < 30; index += 1) system.bucket.put(`acme/x/${1_000 + index}`, 1);
  system.settle();
  await system.run('backfill');
  for (let index = 0; index < 30; index += 1) system.bucket.delete(`acme/x/${1_000 + index}`);
  for (let index = 0; index < 500; index += 1) system.bucket.put(`acme/b/${1_000 + index}`, 1);
  system.settle();
  await failAtPage(40);
  const added = Array.from({ length: 500 }, (_, index) => `acme/a/${index}`);
  await system.notify(...added.map((key) => system.bucket.put(key, 1)));
  system.settle();
  const refused = await system.run();
  const detail = expect.stringContaining('30 of 30 objects');
  expect(refused).toMatchObject({ state: 'refused', detail });
});

test('28. what was noted as missing, and then told to be removed, is not missed', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  system.fill(100);
  system.settle();
  await system.run('backfill');
  const removals = Array.from({ length: 60 }, (_, index) => system.bucket.delete(objectKey(index)));
  system.settle();
  await failAtPage(3);
  await system.notify(...removals);
  system.settle();
  expect((await system.run()).figures).toMatchObject({ vanished: { objects: '0' } });
  await system.expectExact();
});
