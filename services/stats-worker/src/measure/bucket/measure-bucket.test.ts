import { afterEach, expect, test } from '@jest/globals';
import { openEpoch } from '@odometer/database/sources';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';
import { Producer } from '../../../test/applier-fixture.ts';
import {
  type BucketSystem,
  corrections,
  GRACE_MS,
  ledgerRows,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';
import { changeOf } from '../../../test/change-of-event.ts';
import { expectLevelsToAddUp, levels } from '../../../test/object-fixture.ts';

let system: BucketSystem;
afterEach(async () => {
  // Of a ledger of listings there are no rows that could add up.
  if ((await system.pool.query('select from listing_sums')).rowCount === 0) {
    await expectLevelsToAddUp(system.pool);
  }
  await system.close();
});

async function open(options?: Parameters<typeof openBucketSystem>[0]): Promise<void> {
  system = await openBucketSystem(options);
}

/** Notifications of the events arrive. */
async function notify(...events: (readonly StoreEvent[])[]): Promise<void> {
  const changes = events.flat().flatMap((event) => changeOf(system.bucketId, event));
  const producer = await new Producer(system.pool, 'objects').open();
  await system.objects.apply([producer.objects(...changes)]);
}

const key = (index: number) => `acme/web/${String(index).padStart(6, '0')}`;
function fill(count: number): void {
  for (let index = 0; index < count; index += 1) system.bucket.put(key(index), index);
}

/** The ledger has what the bucket has. */
async function expectExact(): Promise<void> {
  expect(await system.ledger()).toEqual(system.bucket.totals());
}

test('26. of an empty bucket all is known: nothing is in it', async () => {
  await open();
  const { state, figures } = await system.run();
  expect(state).toBe('complete');
  expect(figures).toMatchObject({
    pages: '1',
    listed: { objects: '0', bytes: '0' },
    ledger: { objects: '0', bytes: '0' },
    multipartUploads: { uploads: '0', parts: '0', bytes: '0', unread: '0' },
  });
});

test.each([
  [999, '1'],
  [1_000, '1'],
  [1_001, '2'],
])('26. %i keys are listed in %s pages, to the byte', async (count, pages) => {
  await open({ declaration: { listConcurrency: 1 } });
  fill(count);
  system.settle();
  const { state, figures } = await system.run();
  expect({ state, pages: figures.pages }).toEqual({ state: 'complete', pages });
  await expectExact();
});

test('26. pages may have fewer keys than they are asked for', async () => {
  await open({ maxPage: 3, declaration: { listConcurrency: 4 } });
  fill(50);
  system.settle();
  expect((await system.run()).state).toBe('complete');
  await expectExact();
});

test('26. a store that gives the same token again is not listed for ever, and nothing is swept', async () => {
  await open({ maxPage: 10, declaration: { listConcurrency: 1 } });
  fill(30);
  system.settle();
  await system.run('backfill');
  const before = await ledgerRows(system);
  for (let index = 0; index < 30; index += 1) system.bucket.delete(key(index));
  fill(12);
  system.settle();
  system.server.misbehave = ({ query }) =>
    query.has('continuation-token') ? pageWithToken('again') : undefined;
  const first = await system.run('reconcile');
  expect(first).toMatchObject({ state: 'failed', failure: 'target_invalid' });
  expect(await ledgerRows(system)).toEqual(before);
});

function pageWithToken(token: string) {
  return {
    kind: 'answer' as const,
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<ListBucketResult><Name>acme-assets</Name><KeyCount>0</KeyCount><IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken></ListBucketResult>`,
  };
}

test('keys of every kind are listed as they are', async () => {
  await open({ maxPage: 2, declaration: { listConcurrency: 3 } });
  for (const rest of [
    'a b+c',
    '100%/%2F',
    'größe/日本語/😀',
    '\u{ffff}',
    '\u{10000}',
    '//x//',
    '../x',
    'line\nbreak\t',
    '"q" & <t>',
    'folder/',
  ]) {
    system.bucket.put(`acme/web/${rest}`, 7);
  }
  system.bucket.put('/leading', 1);
  system.settle();
  expect((await system.run()).figures).toMatchObject({
    listed: { objects: '11' },
    unattributed: { objects: '1', bytes: '1' },
    types: { object: { objects: '11', bytes: '71' } },
  });
  await expectExact();
  const { rows } = await system.pool.query<{ key: string }>('select key from stored_objects');
  expect(rows.map((row) => row.key).sort()).toEqual([...system.bucket.keys()].sort());
});

test('25. a listing that fails on page 37 sweeps nothing, and the next job goes on with page 37', async () => {
  await open({ maxPage: 10, declaration: { listConcurrency: 1 } });
  fill(500);
  system.settle();
  await system.run('backfill');
  for (let index = 0; index < 500; index += 25) system.bucket.delete(key(index));
  system.settle();
  let pages = 0;
  system.server.misbehave = ({ query }) => {
    if (!query.has('list-type')) return undefined;
    pages += 1;
    return pages >= 37 ? { kind: 'answer', status: 403, body: denied('AccessDenied') } : undefined;
  };
  const failed = await system.run('reconcile');
  expect(failed).toMatchObject({ state: 'failed', failure: 'target_denied' });
  expect(await system.ledger()).toMatchObject({ objects: 500 });
  expect(await corrections(system)).toEqual([]);

  system.server.misbehave = undefined;
  const before = system.server.requests.length;
  const resumed = await system.run('reconcile');
  expect(resumed).toMatchObject({ id: failed.id, state: 'complete' });
  // Versioning, page 37 and those after it, and uploads.
  const pagesLeft = Number(resumed.figures.pages) - 36;
  expect(system.server.requests.length - before).toBe(1 + pagesLeft + 1);
  expect(resumed.figures.listed).toMatchObject({ objects: '480' });
  await expectExact();
  expect(await corrections(system)).toHaveLength(20);
});

function denied(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
}

test.each(['AccessDenied', 'ExpiredToken'])(
  '25. %s in the middle of a run of several shards: nothing is swept, whatever the others have read',
  async (code) => {
    await open({ maxPage: 5, declaration: { listConcurrency: 4 } });
    for (let project = 0; project < 8; project += 1) {
      for (let index = 0; index < 20; index += 1) {
        system.bucket.put(`acme/p${project}/${index}`, 100);
      }
    }
    system.settle();
    await system.run('backfill');
    for (let project = 0; project < 8; project += 1) system.bucket.delete(`acme/p${project}/3`);
    system.settle();
    system.server.misbehave = ({ query }) =>
      query.get('start-after')?.startsWith('acme/p5') || query.get('start-after') === null
        ? { kind: 'answer', status: code === 'ExpiredToken' ? 400 : 403, body: denied(code) }
        : undefined;
    const failed = await system.run('reconcile');
    expect(failed).toMatchObject({ state: 'failed', failure: 'target_denied' });
    expect(await system.ledger()).toMatchObject({ objects: 160 });
    system.server.misbehave = undefined;
    expect((await system.run('reconcile')).state).toBe('complete');
    await expectExact();
  },
);

test('27. bursts of SlowDown are ridden out; when they do not end, the reading is missing and not zero', async () => {
  await open({ maxPage: 10, declaration: { listConcurrency: 1 } });
  fill(40);
  system.settle();
  let answered = 0;
  system.server.misbehave = ({ query }) => {
    if (!query.has('list-type')) return undefined;
    answered += 1;
    return answered % 3 === 2
      ? { kind: 'answer', status: 503, body: denied('SlowDown') }
      : undefined;
  };
  expect((await system.run('backfill')).state).toBe('complete');
  await expectExact();

  system.server.misbehave = ({ query }) =>
    query.has('list-type') ? { kind: 'answer', status: 503, body: denied('SlowDown') } : undefined;
  expect(await system.run('reconcile')).toMatchObject({
    state: 'failed',
    failure: 'target_throttled',
    figures: {},
  });
  await expectExact();
}, 60_000);

test('24. what changes while it is listed is left to its notification', async () => {
  await open();
  const old = system.bucket.put(key(1), 100);
  system.settle();
  await notify(old);
  // Within the grace: created, overwritten and removed, and no notification has come yet.
  const created = system.bucket.put(key(2), 50);
  const overwritten = system.bucket.put(key(1), 700);
  system.clock.advance(GRACE_MS / 2);
  const { state, figures } = await system.run('reconcile');
  expect(state).toBe('complete');
  expect(figures).toMatchObject({ recent: '2', drift: { objects: '0', bytes: '0' } });
  expect(await system.ledger()).toEqual({ bytes: 100n, objects: 1 });
  await notify(overwritten, created);
  await expectExact();
});

test('24. a notification older than a correction that comes after it changes nothing, a newer one does', async () => {
  await open();
  const first = [system.bucket.put(key(1), 100), system.bucket.put(key(2), 1_000)];
  system.clock.advance(1_000);
  // On their way; what happened after them was never told.
  const late = [system.bucket.put(key(1), 200), system.bucket.put(key(2), 2_000)];
  system.clock.advance(1_000);
  system.bucket.put(key(1), 300);
  system.bucket.delete(key(2));
  late.push(system.bucket.put(key(3), 30));
  system.clock.advance(1_000);
  system.bucket.put(key(3), 3);
  system.settle();
  await notify(...first);
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({
    corrections: {
      missed_creation: { objects: '1', bytes: '3' },
      missed_change: { objects: '1', bytes: '200' },
      missed_removal: { objects: '1', bytes: '-1000' },
    },
    drift: { objects: '0', bytes: '-797' },
  });
  await expectExact();
  await notify(...late);
  await expectExact();
  await notify(...first);
  await expectExact();
  system.clock.advance(1_000);
  await notify(system.bucket.put(key(1), 5), system.bucket.put(key(2), 7));
  await notify(system.bucket.delete(key(3)));
  await expectExact();
  expect(await corrections(system)).toEqual([
    { key: key(1), version: '', reason: 'missed_change', bytes: 200, objects: 0 },
    { key: key(3), version: '', reason: 'missed_creation', bytes: 3, objects: 1 },
    { key: key(2), version: '', reason: 'missed_removal', bytes: -1_000, objects: -1 },
  ]);
});

test('6. an object from before, whose removal alone was told, is missing nowhere after a reconcile', async () => {
  await open();
  system.bucket.put(key(1), 100);
  system.bucket.put(key(2), 200);
  system.clock.advance(1_000);
  await notify(system.bucket.delete(key(2)));
  system.settle();
  await system.run('reconcile');
  await expectExact();
});

test('12. an expiration that looks older than a put of the same day is made up for by a listing', async () => {
  await open();
  const put = system.bucket.put(key(1), 100);
  system.clock.advance(60_000);
  const expired = system.bucket.expire(key(1), { stampsMidnight: true });
  await notify(put);
  await notify(expired);
  expect(await system.ledger()).toEqual({ bytes: 100n, objects: 1 });
  system.settle();
  await system.run('reconcile');
  await expectExact();
});

test('28. when 60 % would vanish the listing is refused, unless an operator says that it is so', async () => {
  await open();
  fill(100);
  system.settle();
  await system.run('backfill');
  const before = await ledgerRows(system);
  for (let index = 0; index < 60; index += 1) system.bucket.delete(key(index));
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
  await expectExact();
  expect(await corrections(system)).toHaveLength(60);
});

test('28. a handful may vanish from a bucket that has no more', async () => {
  await open();
  fill(3);
  system.settle();
  await system.run('backfill');
  system.bucket.delete(key(0));
  system.bucket.delete(key(1));
  system.settle();
  expect((await system.run()).state).toBe('complete');
  await expectExact();
});

test('28. a backfill that is done twice leaves the ledger as it was, and corrects nothing by the piece', async () => {
  await open({ versioning: 'enabled', maxPage: 7 });
  fill(40);
  for (let index = 0; index < 40; index += 3) system.bucket.put(key(index), 1_000);
  system.settle();
  const first = await system.run('backfill');
  expect(first.figures).toMatchObject({
    filled: true,
    versioned: true,
    corrections: { missed_creation: { objects: '54' } },
  });
  const rows = await ledgerRows(system);
  await expectExact();
  const second = await system.run('backfill');
  expect(second.state).toBe('complete');
  expect(second.figures).toMatchObject({ drift: { objects: '0', bytes: '0' } });
  expect(await ledgerRows(system)).toEqual(rows);
  expect(await corrections(system)).toEqual([]);
});

test('a dry run tells what it would correct, with samples, and changes nothing', async () => {
  await open();
  await notify(system.bucket.put(key(1), 100), system.bucket.put(key(2), 200));
  system.bucket.put(key(1), 150);
  system.bucket.put(key(3), 300);
  system.bucket.delete(key(2));
  system.settle();
  const before = await ledgerRows(system);
  const { figures } = await system.run('reconcile', { dryRun: true });
  expect(figures).toMatchObject({
    dryRun: true,
    wouldBeRefused: false,
    drift: { objects: '0', bytes: '150' },
    samples: [
      { reason: 'missed_change', key: key(1), ledgerBytes: '100', listedBytes: '150' },
      { reason: 'missed_creation', key: key(3), ledgerBytes: '0', listedBytes: '300' },
      { reason: 'missed_removal', key: key(2), ledgerBytes: '200', listedBytes: '0' },
    ],
  });
  expect(await ledgerRows(system)).toEqual(before);
  expect(await corrections(system)).toEqual([]);
});

test('29. parts of uploads that are not completed are explained apart, and are in no gauge', async () => {
  await open();
  system.bucket.put(key(1), 100);
  for (const name of ['a', 'b']) {
    const id = system.bucket.uploads.start(`acme/web/${name}`);
    system.bucket.uploads.putPart(id, 1, 5_000_000);
    system.bucket.uploads.putPart(id, 2, 123);
  }
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({
    multipartUploads: { uploads: '2', parts: '4', bytes: '10000246', unread: '0' },
    listed: { objects: '1', bytes: '100' },
    drift: { objects: '1', bytes: '100' },
  });
  expect(await levels(system.pool)).toEqual({ 'acme/web object': ['100', 1] });
});

test('29. versions that are not current are counted, delete markers are not', async () => {
  await open({ versioning: 'enabled', maxPage: 3 });
  for (let put = 0; put < 10; put += 1) system.bucket.put(key(1), 100);
  system.bucket.delete(key(1));
  system.bucket.put(key(2), 1);
  system.settle();
  expect((await system.run('reconcile')).figures).toMatchObject({
    versioned: true,
    listed: { objects: '11', bytes: '1001' },
  });
  await expectExact();
});

test('a version that was removed does not come back, whatever a listing says', async () => {
  await open({ versioning: 'enabled' });
  const put = system.bucket.put(key(1), 100);
  const version = put[0]?.version ?? '';
  await notify(put);
  const [event] = put;
  if (event === undefined) throw new Error('a put tells nothing');
  await notify([{ ...event, name: 'ObjectRemoved:Delete', atMs: event.atMs + 1 }]);
  expect(version).not.toBe('');
  system.settle();
  expect((await system.run('reconcile')).figures).toMatchObject({ removedBefore: '1' });
  expect(await system.ledger()).toEqual({ bytes: 0n, objects: 0 });
});

test('27. two runs at once: one of them measures', async () => {
  await open({ maxPage: 5, declaration: { listConcurrency: 2 } });
  fill(60);
  system.settle();
  await Promise.all([system.run('reconcile'), system.run('reconcile'), system.run('hourly')]);
  const { rows } = await system.pool.query('select state from measurements');
  expect(rows).toEqual([{ state: 'complete' }]);
  await expectExact();
  expect(await corrections(system)).toHaveLength(60);
});

test('27. a run that was taken over keeps no step any more', async () => {
  await open({ maxPage: 5, declaration: { listConcurrency: 1 } });
  fill(40);
  system.settle();
  let pages = 0;
  let other: Promise<unknown> | undefined;
  const zombie = system.run(
    'reconcile',
    {},
    {
      change: {
        openLister: async (declaration, signal) => {
          const lister = await system.parts.openLister(declaration, signal);
          return {
            ...lister,
            async *pages(range, pagesSignal) {
              for await (const page of lister.pages(range, pagesSignal)) {
                pages += 1;
                if (pages === 3) {
                  // It was not heard of for a minute; another process goes on and ends.
                  await system.pool.query(
                    `update measurements set held_until = now() - interval '1 s'`,
                  );
                  other = system.run('reconcile');
                  await other;
                }
                yield page;
              }
            },
          };
        },
      },
    },
  );
  await zombie;
  await other;
  expect((await system.latest()).figures).toMatchObject({ pages: '8', listed: { objects: '40' } });
  await expectExact();
  expect(await corrections(system)).toHaveLength(40);
});

test('a job whose time is up leaves its measurement to the next one, which goes on', async () => {
  await open({ maxPage: 5, declaration: { listConcurrency: 2 } });
  fill(100);
  system.settle();
  const stop = new AbortController();
  let pages = 0;
  system.server.misbehave = ({ query }) => {
    if (query.has('continuation-token')) pages += 1;
    if (pages === 5) stop.abort(new Error('the worker stops'));
    return undefined;
  };
  await expect(system.run('reconcile', {}, { signal: stop.signal })).rejects.toThrow(
    'the worker stops',
  );
  expect((await system.latest()).state).toBe('running');
  system.server.misbehave = undefined;
  expect((await system.run('reconcile')).state).toBe('complete');
  await expectExact();
  expect(await corrections(system)).toHaveLength(100);
});

test('40. a store that hangs is given up, and the measurement is missing', async () => {
  await open();
  fill(3);
  const budget = AbortSignal.timeout(300);
  system.server.misbehave = ({ query }) => (query.has('list-type') ? { kind: 'hang' } : undefined);
  await expect(system.run('hourly', {}, { signal: budget })).rejects.toThrow();
  expect((await system.latest()).state).toBe('running');
});

test('a hashed ledger is filled, corrected and swept like any other, without a key in it', async () => {
  await open({ maxPage: 4, declaration: { ledger: 'hashed', listConcurrency: 2 } });
  fill(30);
  system.settle();
  await system.run('backfill');
  await expectExact();
  const { rows } = await system.pool.query('select 1 from stored_objects where key like $1', [
    'acme%',
  ]);
  expect(rows).toEqual([]);
  for (let index = 0; index < 5; index += 1) system.bucket.delete(key(index));
  system.bucket.put(key(7), 70_000);
  system.bucket.put(key(99), 9);
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({
    corrections: {
      missed_creation: { objects: '1' },
      missed_change: { objects: '1' },
      missed_removal: { objects: '5' },
    },
  });
  await expectExact();
  // What is told of it later finds the same row.
  await notify(system.bucket.delete(key(99)));
  await expectExact();
});

test('a ledger of listings has no rows, and what the last complete listing says', async () => {
  await open({
    maxPage: 4,
    declaration: { ledger: 'listing', notifications: { kind: 'none' }, listConcurrency: 3 },
  });
  fill(20);
  system.bucket.put('acme/web/logs/1.gz', 1_000);
  system.bucket.put('elsewhere', 7);
  await system.run();
  await expectExact();
  expect(await levels(system.pool)).toEqual({
    'acme/web log': ['1000', 1],
    'acme/web object': ['190', 20],
    'nobody object': ['7', 1],
  });
  expect(await ledgerRows(system)).toEqual([]);

  system.bucket.put(key(3), 5_000);
  system.bucket.delete('acme/web/logs/1.gz');
  await system.run();
  await expectExact();

  for (let index = 0; index < 15; index += 1) system.bucket.delete(key(index));
  expect((await system.run()).state).toBe('refused');
  expect(await system.ledger()).toMatchObject({ objects: 21 });
  expect((await system.run('reconcile', { acceptDrift: true })).state).toBe('complete');
  await expectExact();
});

test('without notifications nothing is under way, and nothing waits for the next listing', async () => {
  await open({ declaration: { notifications: { kind: 'none' } } });
  fill(5);
  system.clock.advance(1);
  await system.run();
  await expectExact();
  system.bucket.delete(key(1));
  system.bucket.put(key(2), 1_000);
  system.clock.advance(1);
  await system.run();
  await expectExact();
});

test('a bucket that was listed before is cut where its shards became long', async () => {
  await open({ maxPage: 2, declaration: { listConcurrency: 2 } });
  fill(100);
  system.settle();
  await system.run('backfill');
  const shards = async () => {
    const { rows } = await system.pool.query(
      `select after_key, until_key, pages from listing_shards
       where measurement_id = (select max(id) from measurements) order by after_key nulls first`,
    );
    return rows as { after_key: string | null; until_key: string | null; pages: number }[];
  };
  const cut = await shards();
  expect(cut.map(({ pages }) => pages).filter((pages) => pages > 16)).toEqual([]);
  expect(cut.length).toBeGreaterThan(2);
  await system.run('reconcile');
  const again = await shards();
  expect(again[0]?.after_key).toBeNull();
  expect(again.at(-1)?.until_key).toBeNull();
  for (const [index, { until_key }] of again.slice(0, -1).entries()) {
    expect(again[index + 1]?.after_key).toBe(until_key);
  }
  await expectExact();
});

test('more rows than a page has objects are noted a part at a time', async () => {
  await open({ declaration: { maxVanishingPercent: 100 } });
  fill(12_000);
  system.settle();
  await system.run('backfill');
  for (let index = 0; index < 12_000; index += 1) system.bucket.delete(key(index));
  system.bucket.put(key(6_000), 1);
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({ vanished: { objects: '11999' }, listed: { objects: '1' } });
  await expectExact();
}, 60_000);

test('what was stored unseen is counted from when the bucket was declared at the earliest', async () => {
  await open();
  await openEpoch(system.pool, { source: 'x', kind: 'objects', instance: 'x' });
  await system.pool.query('update buckets set declared_at = to_timestamp($1::numeric / 1000)', [
    system.clock.now() + 1_800_000,
  ]);
  system.bucket.put(key(1), 1_000);
  system.settle();
  await system.run('backfill');
  const { rows } = await system.pool.query<{ byte_ms: string; hour: Date }>(
    'select byte_ms, hour from storage_changes',
  );
  const [change] = rows;
  const sinceMs = (change?.hour.getTime() ?? 0) + 3_600_000 - Number(change?.byte_ms) / 1_000;
  expect(sinceMs).toBe(system.clock.now() - 1_800_000);
});
