import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import { openAppliers, outcomes, Producer } from '../../test/applier-fixture.ts';
import {
  declareBucket,
  expectLevelsToAddUp,
  levels,
  removed,
  STORED_AT_MS,
  stored,
} from '../../test/object-fixture.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;

beforeEach(async () => {
  system = await openAppliers();
  producer = await new Producer(system.pool, 'objects').open();
  await declareBucket(system.pool);
});
afterEach(async () => {
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

const apply = (...changes: ObjectChange[]) => system.objects.apply([producer.objects(...changes)]);
const object = async (key: string) => {
  const { rows } = await system.pool.query(
    'select live, size_bytes::int as size, sequencer from stored_objects where key = $1 order by version',
    [key],
  );
  return rows;
};
const KEY = 'acme/web/scenes/7/mesh.bin';
const LEVEL = 'acme/web scene';

describe('1. what is delivered again', () => {
  test('counts once: the same notification, in the same batch, in another, and the same batch', async () => {
    const batch = producer.objects(stored(KEY, 100, 'A1'), stored(KEY, 100, 'A1'));
    await system.objects.apply([batch]);
    await system.objects.apply([batch, structuredClone(batch)]);
    await Promise.all([system.worker().objects.apply([batch]), apply(stored(KEY, 100, 'A1'))]);
    expect(await levels(system.pool)).toEqual({ [LEVEL]: ['100', 1] });
    expect(await outcomes(system.pool)).toEqual({ items: 3, counted: 1, duplicate: 2 });
  });
});

describe('2. a removal before its creation', () => {
  test('leaves a tombstone, for which the creation comes too late', async () => {
    await apply(removed(KEY, 'A2'));
    await apply(stored(KEY, 100, 'A1'));
    expect(await levels(system.pool)).toEqual({});
    expect(await object(KEY)).toEqual([{ live: false, size: 0, sequencer: 'A2' }]);
  });

  test('in one batch too', async () => {
    await apply(removed(KEY, 'A2'), stored(KEY, 100, 'A1'));
    expect(await levels(system.pool)).toEqual({});
    // What it was is known here.
    expect(await object(KEY)).toEqual([{ live: false, size: 100, sequencer: 'A2' }]);
  });
});

describe('3. creations in the wrong order', () => {
  test.each([
    ['0055AED6DCD90281', '0055AED6DCD90281E5'],
    ['0055aed6dcd90281e5', '0055AED6DCD90282'],
    ['0055AED6DCD90281E4', '0055aed6dcd90281e5'],
  ])('the newer of %s and %s holds, whichever comes first', async (older, newer) => {
    await apply(stored(KEY, 700, newer));
    await apply(stored(KEY, 100, older));
    await apply(stored('acme/web/a', 100, older));
    await apply(stored('acme/web/a', 700, newer));
    expect(await levels(system.pool)).toEqual({
      'acme/web object': ['700', 1],
      [LEVEL]: ['700', 1],
    });
    expect(await outcomes(system.pool)).toEqual({ items: 4, counted: 3, duplicate: 1 });
  });
});

test('4. an object that is overwritten is as large as its last content, and is one object', async () => {
  for (const [sequencer, size] of [
    ['A1', 1_000],
    ['A2', 10],
    ['A3', 0],
    ['A4', 5_000_000_000_000],
  ] as const) {
    await apply(stored(KEY, size, sequencer));
    expect(await levels(system.pool)).toEqual({ [LEVEL]: [String(size), 1] });
  }
});

test('5. several changes of one object in one batch come to the newest, with one statement', async () => {
  await apply(
    stored(KEY, 5, 'A5'),
    stored(KEY, 3, 'A3'),
    removed(KEY, 'A4'),
    stored(KEY, 3, 'A3'),
    stored(KEY, 33, 'A3'),
  );
  expect(await levels(system.pool)).toEqual({ [LEVEL]: ['5', 1] });
  expect(await outcomes(system.pool)).toEqual({
    items: 5,
    counted: 1,
    duplicate: 3,
    conflicting: 1,
  });
});

test('6. the removal of what was never heard of takes nothing from anybody', async () => {
  await apply(stored('acme/web/other', 50, 'A1'));
  await apply(removed(KEY, 'A9'));
  expect(await levels(system.pool)).toEqual({ 'acme/web object': ['50', 1] });
  expect(await object(KEY)).toEqual([{ live: false, size: 0, sequencer: 'A9' }]);
});

describe('10. a bucket with versions', () => {
  const v = (version: string): Partial<ObjectChange> => ({ version });

  test('has the bytes of all its versions; a delete marker frees nothing, and a removed version stays removed', async () => {
    const steps: readonly (readonly [ObjectChange, number, number])[] = [
      [stored(KEY, 100, 'A1', v('v1')), 100, 1],
      [stored(KEY, 40, 'A2', v('v2')), 140, 2],
      // The marker is no change of what is stored, and its removal is that of a version without bytes.
      [removed(KEY, 'A4', v('marker')), 140, 2],
      [removed(KEY, 'A5', v('v1')), 40, 1],
      [stored(KEY, 100, 'A1', v('v1')), 40, 1],
      [removed(KEY, 'A5', v('v1')), 40, 1],
    ];
    for (const [change, bytes, objects] of steps) {
      await apply(change);
      expect(await levels(system.pool)).toEqual({ [LEVEL]: [String(bytes), objects] });
    }
    expect(await outcomes(system.pool)).toEqual({ items: 6, counted: 4, duplicate: 2 });
  });

  test('whatever the order, and whatever the sequencers', async () => {
    await apply(removed(KEY, 'A1', v('v1')), stored(KEY, 40, 'A2', v('v2')));
    await apply(stored(KEY, 100, 'A9', v('v1')), removed(KEY, '', v('v2')));
    expect(await levels(system.pool)).toEqual({});
  });

  test('a version that comes with another size is a conflict, for a version never changes', async () => {
    await apply(stored(KEY, 100, 'A1', v('v1')));
    await apply(stored(KEY, 101, 'A1', v('v1')));
    expect(await levels(system.pool)).toEqual({ [LEVEL]: ['100', 1] });
    expect(await outcomes(system.pool)).toEqual({ items: 2, counted: 1, conflicting: 1 });
  });
});

test('11. versioning suspended: the null version is replaced and freed, the versions stay', async () => {
  await apply(stored(KEY, 7, 'A1'), stored(KEY, 100, 'A2', { version: 'v1' }));
  await apply(stored(KEY, 20, 'A3'));
  expect(await levels(system.pool)).toEqual({ [LEVEL]: ['120', 2] });
  await apply(removed(KEY, 'A4'));
  expect(await levels(system.pool)).toEqual({ [LEVEL]: ['100', 1] });
});

test('12. an expiry whose sequencer is of midnight is older than what was stored that day: left to the next listing', async () => {
  await apply(stored(KEY, 9, '617B4A0000000000'));
  await apply(removed(KEY, '617B398000000000'));
  expect(await levels(system.pool)).toEqual({ [LEVEL]: ['9', 1] });
  expect(await outcomes(system.pool)).toEqual({ items: 2, counted: 1, duplicate: 1 });
});

test('what a listing has corrected is changed by what happened after it only', async () => {
  await apply(stored(KEY, 9, 'A1'));
  await system.pool.query("update stored_objects set listed_at = $1, sequencer = ''", [
    new Date(STORED_AT_MS),
  ]);
  await apply(removed(KEY, 'A2', { atMs: STORED_AT_MS }));
  expect(await levels(system.pool)).toEqual({ [LEVEL]: ['9', 1] });
  await apply(stored(KEY, 11, 'A3', { atMs: STORED_AT_MS + 1 }));
  expect(await levels(system.pool)).toEqual({ [LEVEL]: ['11', 1] });
});

describe('16. whose it is', () => {
  test('a key’s whole segments say it: p1 is not p10', async () => {
    await apply(stored('acme/p1/a', 1, 'A1'), stored('acme/p10/a', 10, 'A1'));
    expect(await levels(system.pool)).toEqual({
      'acme/p1 object': ['1', 1],
      'acme/p10 object': ['10', 1],
    });
  });

  test('a key outside the template is kept, and is nobody’s', async () => {
    await apply(stored('readme.txt', 5, 'A1'));
    await apply(stored('readme.txt', 8, 'A2'));
    expect(await levels(system.pool)).toEqual({ 'nobody object': ['8', 1] });
    expect(await outcomes(system.pool)).toEqual({ items: 2, unattributed: 2 });
  });

  test('a bucket may be one project’s, and a project may have several buckets', async () => {
    const id = await declareBucket(system.pool, {
      name: 'logs',
      bucket: 'acme-logs',
      organization: 'acme',
      project: 'web',
      keys: 'data/…',
    });
    await apply(
      stored('acme/web/logs/1', 1, 'A1'),
      stored('data/logs/x', 2, 'A1', { bucketId: id }),
    );
    expect(await levels(system.pool)).toEqual({ 'acme/web log': ['3', 2] });
  });

  test('what is in no declared bucket is counted nowhere, and said so', async () => {
    await apply(stored(KEY, 5, 'A1', { bucketId: 99 }));
    const id = await declareBucket(system.pool, {
      name: 'listed',
      bucket: 'listed',
      ledger: 'listing',
      notifications: { kind: 'none' },
    });
    await apply(stored(KEY, 5, 'A1', { bucketId: id }));
    expect(await levels(system.pool)).toEqual({});
    expect(await outcomes(system.pool)).toEqual({ items: 2, unmetered: 2 });
  });

  test('the applier sees a new declaration with the next batch', async () => {
    await apply(stored('acme/web/a', 5, 'A1'));
    await declareBucket(system.pool, { keys: 'data/{organization}/{project}/…' });
    await apply(stored('data/acme/web/a', 7, 'A1'));
    expect(await levels(system.pool)).toEqual({ 'acme/web object': ['12', 2] });
  });
});

test('a hashed ledger keeps no key, and is mapped all the same', async () => {
  await declareBucket(system.pool, { name: 'hashed', bucket: 'hashed', ledger: 'hashed' });
  await apply(stored(KEY, 5, 'A1', { bucketId: 2 }));
  await apply(stored(KEY, 6, 'A2', { bucketId: 2 }));
  expect(await levels(system.pool)).toEqual({ [LEVEL]: ['6', 1] });
  const { rows } = await system.pool.query('select key, object_id from stored_objects');
  expect(rows).toEqual([{ key: expect.stringMatching(/^[\w-]{22}$/), object_id: '7' }]);
});

test('22. a storm on one project by many at once: nothing deadlocks, nothing is lost', async () => {
  const workers = Array.from({ length: 4 }, () => system.worker());
  const batches = Array.from({ length: 40 }, (_, b) =>
    producer.objects(
      ...Array.from({ length: 50 }, (_, i) =>
        stored(`acme/web/${(i * 7 + b * 13) % 200}`, b * 50 + i, `A${(1_000 + b).toString(16)}F`),
      ),
    ),
  );
  await Promise.all(batches.map((batch, i) => workers[i % 4]?.objects.apply([batch])));
  const last = new Map<string, number>();
  for (const { changes } of batches) {
    for (const { key, sizeBytes } of changes) last.set(key, sizeBytes);
  }
  const bytes = [...last.values()].reduce((sum, size) => sum + size, 0);
  expect(await levels(system.pool)).toEqual({ 'acme/web object': [String(bytes), last.size] });
  expect(system.applyCounts.conflictRetries).toBe(0);
});

test('keys of any kind come back as they are', async () => {
  const keys = [
    'a b',
    'a+b',
    'a%41',
    'ü€😀',
    '//',
    '/lead',
    'x'.repeat(1_000),
    'a\nb',
    '..',
    'q"\\{},',
    'null',
    "it's",
  ];
  await apply(...keys.map((key) => stored(`acme/web/${key}`, 1, 'A1')));
  await apply(...keys.map((key) => removed(`acme/web/${key}`, 'A1')));
  const { rows } = await system.pool.query<{ key: string }>('select key from stored_objects');
  expect(rows.map(({ key }) => key).sort()).toEqual(keys.map((key) => `acme/web/${key}`).sort());
  expect(await levels(system.pool)).toEqual({
    'acme/web object': [String(keys.length), keys.length],
  });
  expect(await outcomes(system.pool)).toEqual({
    items: 2 * keys.length,
    counted: keys.length,
    conflicting: keys.length,
  });
});
