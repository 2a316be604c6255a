import { expect, test } from '@jest/globals';
import type { LedgerRow } from '@odometer/database/objects/ledger-rows';
import { comparePage } from './compare-page.ts';
import type { ListedObject } from './object-lister.ts';

const TIMES = { settledBeforeMs: 1_000, credibleMs: 302_000 };
const listed = (key: string, sizeBytes = 1, change: Partial<ListedObject> = {}) => ({
  storedKey: key,
  object: { key, version: '', sizeBytes, lastModifiedMs: 999, ...change },
});
const row = (key: string, sizeBytes = 1, change: Partial<LedgerRow> = {}): LedgerRow => ({
  key,
  version: '',
  live: true,
  sizeBytes,
  isUntold: false,
  isSettled: true,
  ...change,
});
const nothing = { differing: [], confirmed: 0, vanished: [], recent: 0, removedBefore: 0 };

test('what is the same is no difference, tombstones of what is not listed neither', () => {
  const rows = [row('a'), row('b', 5, { live: false }), row('c', 0)];
  expect(comparePage([listed('a'), listed('c', 0)], rows, TIMES)).toEqual({
    ...nothing,
    confirmed: 2,
  });
});

test('what is missing, of another size or a tombstone differs; versions are objects of their own', () => {
  const objects = [listed('a'), listed('b', 2), listed('c'), listed('d', 1, { version: 'v2' })];
  const rows = [row('b'), row('c', 1, { live: false }), row('d', 1, { version: 'v1' })];
  const { differing, vanished } = comparePage(objects, rows, TIMES);
  expect(differing.map(({ object }) => object.key)).toEqual(['a', 'b', 'c', 'd']);
  expect(vanished).toEqual([rows[2]]);
});

test('what was changed too recently, by either, is left to the next listing', () => {
  const objects = [listed('a', 1, { lastModifiedMs: 1_000 }), listed('b', 2)];
  const rows = [row('b', 1, { isSettled: false }), row('c', 1, { isSettled: false })];
  expect(comparePage(objects, rows, TIMES)).toEqual({ ...nothing, confirmed: 1, recent: 3 });
});

test('what is of a time that is yet to come is corrected: it will not come to be recent', () => {
  const objects = [
    listed('a', 1, { lastModifiedMs: Date.parse('9999-01-01') }),
    listed('b', 1, { lastModifiedMs: 302_000 }),
  ];
  const { differing, recent } = comparePage(objects, [], TIMES);
  expect([differing.map(({ storedKey }) => storedKey), recent]).toEqual([['a'], 1]);
});

test('a version that only a listing has removed is missing, when another one has it', () => {
  const rows = [row('a', 1, { version: 'v1', live: false, isUntold: true })];
  const { differing, removedBefore } = comparePage(
    [listed('a', 1, { version: 'v1' })],
    rows,
    TIMES,
  );
  expect([differing.length, removedBefore]).toEqual([1, 0]);
});

test('a version whose removal was told stays removed', () => {
  const rows = [row('a', 1, { version: 'v1', live: false })];
  expect(comparePage([listed('a', 1, { version: 'v1' })], rows, TIMES)).toEqual({
    ...nothing,
    removedBefore: 1,
  });
});
