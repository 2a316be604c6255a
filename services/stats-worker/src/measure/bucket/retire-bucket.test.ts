import { afterEach, expect, test } from '@jest/globals';
import { dueTargets, latestMeasurements } from '@odometer/database/measuring/measurements';
import { findRetiredBucket } from '@odometer/database/objects/retired-buckets';
import { hourStart } from '@odometer/domain/period';
import { eventually } from '@odometer/testing/eventually';
import { outcomes, Producer } from '../../../test/applier-fixture.ts';
import {
  type BucketSystem,
  corrections,
  ledgerRows,
  objectKey,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';
import {
  declareBucket,
  expectLevelsToAddUp,
  levels,
  retire,
  stored,
} from '../../../test/object-fixture.ts';
import { readUnreadLevels } from '../../objects/read-levels.ts';

let system: BucketSystem;
afterEach(() => system.close());

/** Byte-milliseconds that are not settled yet, of all projects. */
async function byteTime(): Promise<bigint> {
  const { rows } = await system.pool.query<{ sum: string }>(
    'select coalesce(sum(byte_ms), 0) as sum from storage_changes',
  );
  return BigInt(rows[0]?.sum ?? 0);
}

test.each(['full', 'hashed', 'listing'])(
  'what was counted of a retired bucket is counted until then, and no longer, each with its entry (%s)',
  async (ledger) => {
    const declaration = { ledger, notifications: { kind: 'none' } };
    system = await openBucketSystem({ declaration });
    system.bucket.put('acme/web/a', 1_000);
    system.bucket.put('acme/web/logs/b', 500);
    system.bucket.put('acme/app/c', 70);
    system.bucket.put('elsewhere', 3);
    system.settle();
    await system.run('backfill');
    const worker = system.worker();
    await readUnreadLevels(worker.parts);

    const before = await byteTime();
    await retire(system.pool, 'assets');
    const retiredAtMs = (await findRetiredBucket(system.pool, 'assets'))?.retiredAtMs ?? 0;
    const gone = await system.run('retire');
    expect(gone).toMatchObject({ state: 'complete', figures: { objects: '4', bytes: '1573' } });
    expect(await levels(system.pool)).toEqual({});
    expect(await ledgerRows(system)).toEqual([]);
    const entries = await corrections(system);
    expect(entries).toHaveLength(4);
    for (const entry of entries) expect(entry).toMatchObject({ reason: 'retired', objects: -1 });
    if (ledger !== 'listing') await expectLevelsToAddUp(system.pool);

    // However late it is taken out.
    const sinceMs = hourStart(retiredAtMs) + 3_600_000 - retiredAtMs;
    expect((await byteTime()) - before).toBe(-1_570n * BigInt(sinceMs));

    await readUnreadLevels(worker.parts);
    const { rows: gauges } = await system.pool.query<{ last: string }>(
      'select distinct last::text from usage_monthly where meter_id between 15 and 22',
    );
    expect(gauges).toEqual([{ last: '0' }]);

    // Again: nothing.
    expect((await system.run('retire')).figures).toMatchObject({ objects: '0', bytes: '0' });
    expect(await corrections(system)).toHaveLength(4);
  },
);

test('it is measured no more, and what is notified of it counts nothing', async () => {
  system = await openBucketSystem();
  system.fill(3);
  system.settle();
  await system.run();
  await retire(system.pool, 'assets');
  const due = () => dueTargets(system.pool, new Date());
  expect(await due()).toEqual([{ kind: 'bucket', target: 'assets', purpose: 'retire' }]);
  const producer = await new Producer(system.pool, 'objects').open();
  await system.objects.apply([producer.objects(stored('acme/web/new', 500, 'A1'))]);
  expect(await outcomes(system.pool)).toEqual({ items: 1, unmetered: 1 });
  expect(await system.run()).toMatchObject({ state: 'failed', failure: 'bucket_not_found' });
  await system.run('retire');
  expect(await due()).toEqual([]);
  expect(await latestMeasurements(system.pool)).toEqual([]);
  expect(await levels(system.pool)).toEqual({});
});

test('a listing that is under way when it is retired ends without adding anything', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  system.fill(50);
  system.settle();
  let pages = 0;
  const openLister: BucketSystem['parts']['openLister'] = async (bucket, signal) => {
    const lister = await system.parts.openLister(bucket, signal);
    return {
      ...lister,
      async *pages(range, pagesSignal) {
        for await (const page of lister.pages(range, pagesSignal)) {
          pages += 1;
          if (pages === 4) await retire(system.pool, 'assets');
          yield page;
        }
      },
    };
  };
  const ended = await system.run('backfill', {}, { change: { openLister } });
  expect(ended).toMatchObject({ state: 'failed', failure: 'bucket_not_found' });
  expect((await system.run('retire')).figures).toMatchObject({ objects: '20' });
  await expectLevelsToAddUp(system.pool);
  expect(await levels(system.pool)).toEqual({});
});

test('one that stops in the middle is gone on with, and takes out each object once', async () => {
  system = await openBucketSystem();
  system.fill(5_000);
  system.settle();
  await system.run('backfill');
  const { bytes } = system.bucket.totals();
  await retire(system.pool, 'assets');
  // Somebody has a row of the second part, until whoever takes it out is stopped.
  const blocker = await system.pool.connect();
  const stop = new AbortController();
  try {
    await blocker.query('begin');
    await blocker.query('select from stored_objects where key = $1 for update', [objectKey(2_500)]);
    const first = system.run('retire', {}, { signal: stop.signal });
    const left = async () => (await system.ledger()).objects;
    await eventually(async () => (await left()) === 3_000);
    stop.abort(new Error('the worker stops'));
    await blocker.query('rollback');
    await expect(first).rejects.toThrow('the worker stops');
  } finally {
    blocker.release();
  }
  expect((await findRetiredBucket(system.pool, 'assets'))?.isEmptied).toBe(false);
  expect((await system.run('retire')).figures).toMatchObject({
    objects: '5000',
    bytes: String(bytes),
  });
  expect(await corrections(system)).toHaveLength(5_000);
  await expectLevelsToAddUp(system.pool);
}, 60_000);

test('the same bucket under another name is counted from then on, and not from when it was declared', async () => {
  system = await openBucketSystem({ declaration: { notifications: { kind: 'none' } } });
  const { url: endpoint } = system.server;
  // As a version might have let happen that did not know two spellings for one.
  const twin = await declareBucket(system.pool, {
    name: 'twin',
    endpoint: `${endpoint}/`,
    forcePathStyle: true,
    notifications: { kind: 'none' },
  });
  const other = await declareBucket(system.pool, {
    name: 'other',
    bucket: 'another',
    endpoint,
    forcePathStyle: true,
  });
  system.bucket.put('acme/web/a', 1_000);
  system.settle();
  await system.run();
  expect(await system.run('hourly', {}, { target: 'twin' })).toMatchObject({ state: 'refused' });
  await retire(system.pool, 'assets');
  const retiredAtMs = (await findRetiredBucket(system.pool, 'assets'))?.retiredAtMs ?? 0;
  await system.run('retire');
  const before = await byteTime();
  expect(await system.run('hourly', {}, { target: 'twin' })).toMatchObject({ state: 'complete' });
  expect(await system.ledger(twin)).toEqual({ bytes: 1_000n, objects: 1 });
  const sinceMs = hourStart(retiredAtMs) + 3_600_000 - retiredAtMs;
  expect((await byteTime()) - before).toBe(1_000n * BigInt(sinceMs));
  const { rows } = await system.pool.query<{ id: number }>(
    'select id from buckets where declared_at > $1 order by id',
    [new Date(retiredAtMs - 1)],
  );
  expect(rows.map(({ id }) => id)).toEqual([twin]);
  expect(other).not.toBe(twin);
});

test('a job of before, that comes late, hides nothing of what is declared anew', async () => {
  system = await openBucketSystem({ declaration: { notifications: { kind: 'none' } } });
  system.fill(3);
  system.settle();
  await system.run();
  await retire(system.pool, 'assets');
  await system.run('retire');
  const { url: endpoint } = system.server;
  await declareBucket(system.pool, { endpoint, forcePathStyle: true });
  expect(await latestMeasurements(system.pool)).toEqual([]);
  system.settle();
  await system.run();
  expect((await system.run('retire')).state).toBe('refused');
  expect(await latestMeasurements(system.pool)).toMatchObject([
    { target: 'assets', state: 'complete', purpose: 'hourly' },
  ]);
});

test('declared anew it begins anew: with what lies there, from now on, and no memory of before', async () => {
  system = await openBucketSystem();
  system.fill(40);
  system.settle();
  await system.run('backfill');
  await retire(system.pool, 'assets');
  await system.run('retire');
  const { url: endpoint } = system.server;
  expect(
    await declareBucket(system.pool, { endpoint, forcePathStyle: true, order: 'event_time' }),
  ).toBe(system.bucketId);
  expect(await latestMeasurements(system.pool)).toEqual([]);
  for (let index = 0; index < 30; index += 1) system.bucket.delete(objectKey(index));
  system.settle();
  // Nothing vanished: nothing was there. And what is there was missed by nobody.
  const { state, figures } = await system.run();
  expect({ state, figures }).toMatchObject({
    state: 'complete',
    figures: { filled: true, listed: { objects: '10' }, vanished: { objects: '0' } },
  });
  await system.expectExact();
  await expectLevelsToAddUp(system.pool);
  expect((await system.run()).figures).toMatchObject({ filled: false });
});
