import { afterEach, expect, test } from '@jest/globals';
import {
  type BucketSystem,
  ledgerRows,
  objectKey,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

test('26. of an empty bucket all is known: nothing is in it', async () => {
  system = await openBucketSystem();
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
  system = await openBucketSystem({ declaration: { listConcurrency: 1 } });
  system.fill(count);
  system.settle();
  const { state, figures } = await system.run();
  expect({ state, pages: figures.pages }).toEqual({ state: 'complete', pages });
  await system.expectExact();
});

test('26. pages may have fewer keys than they are asked for', async () => {
  system = await openBucketSystem({ maxPage: 3, declaration: { listConcurrency: 4 } });
  system.fill(50);
  system.settle();
  expect((await system.run()).state).toBe('complete');
  await system.expectExact();
});

test('26. a store that gives the same token again is not listed for ever, and nothing is swept', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  system.fill(30);
  system.settle();
  await system.run('backfill');
  const before = await ledgerRows(system);
  for (let index = 0; index < 30; index += 1) system.bucket.delete(objectKey(index));
  system.fill(12);
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

test.each([
  ['unversioned', false],
  ['unversioned', true],
  ['enabled', false],
  ['enabled', true],
] as const)(
  'keys of every kind are listed as they are (%s, a store that writes them plainly: %s)',
  async (versioning, isPlain) => {
    const declaration = { listConcurrency: 3 };
    system = await openBucketSystem({ versioning, isPlain, maxPage: 2, declaration });
    for (const rest of [
      'a b+c',
      'a b c',
      '100%',
      '100%/%2F',
      'a+b/c%20d/+',
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
      listed: { objects: '14' },
      unattributed: { objects: '1', bytes: '1' },
      types: { object: { objects: '14', bytes: '92' } },
    });
    await system.expectExact();
    const { rows } = await system.pool.query<{ key: string }>('select key from stored_objects');
    expect(rows.map((row) => row.key).sort()).toEqual([...system.bucket.keys()].sort());
  },
);

test('a bucket that was listed before is cut where its shards became long', async () => {
  system = await openBucketSystem({ maxPage: 2, declaration: { listConcurrency: 2 } });
  system.fill(100);
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
  await system.expectExact();
});

test('more rows than a page has objects are noted a part at a time', async () => {
  system = await openBucketSystem({ declaration: { maxVanishingPercent: 100 } });
  system.fill(12_000);
  system.settle();
  await system.run('backfill');
  for (let index = 0; index < 12_000; index += 1) system.bucket.delete(objectKey(index));
  system.bucket.put(objectKey(6_000), 1);
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({ vanished: { objects: '11999' }, listed: { objects: '1' } });
  await system.expectExact();
}, 60_000);
