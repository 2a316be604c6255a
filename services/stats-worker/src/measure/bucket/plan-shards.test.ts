import { expect, test } from '@jest/globals';
import type { ListedPage, ObjectLister } from './object-lister.ts';
import { boundariesOfLastListing, boundariesOfPrefixes, PAGES_A_SHARD } from './plan-shards.ts';

const never = new AbortController().signal;

function listerOf(keys: readonly string[], isSmall = false): ObjectLister & { looks: string[] } {
  const looks: string[] = [];
  return {
    looks,
    isVersioned: false,
    async *pages() {
      const page: ListedPage = {
        objects: [],
        through: isSmall ? null : 'x',
        isLast: isSmall,
        askedAtMs: 0,
      };
      yield page;
    },
    prefixes: async (prefix) => {
      looks.push(prefix);
      const found = keys.flatMap((key) => {
        if (!key.startsWith(prefix)) return [];
        const end = key.indexOf('/', prefix.length);
        return end === -1 ? [] : [key.slice(0, end + 1)];
      });
      return [...new Set(found)];
    },
    unfinishedUploads: async () => undefined,
  };
}

test('a bucket of one page is not cut, and not looked at for prefixes', async () => {
  const lister = listerOf(['a/1'], true);
  expect(await boundariesOfPrefixes(lister, 8, never)).toEqual([]);
  expect(lister.looks).toEqual([]);
});

test('a bucket is cut at its prefixes, as deep as it takes', async () => {
  const keys = ['a', 'b', 'c'].flatMap((one) => ['x', 'y', 'z'].map((two) => `${one}/${two}/k`));
  const boundaries = await boundariesOfPrefixes(listerOf(keys), 2, never);
  expect(boundaries.length).toBeLessThan(8);
  expect(boundaries.length).toBeGreaterThan(4);
  expect(boundaries.toSorted()).toEqual(boundaries);
  expect(new Set(boundaries).size).toBe(boundaries.length);
});

test('where there are no prefixes there is one shard', async () => {
  expect(await boundariesOfPrefixes(listerOf(['a', 'b', 'c']), 8, never)).toEqual([]);
});

test('looking for prefixes takes a bounded number of requests', async () => {
  const keys = Array.from({ length: 30 }, (_, i) => `only/${i % 2}/${i}/k`);
  const lister = listerOf(keys);
  await boundariesOfPrefixes(lister, 64, never);
  expect(lister.looks.length).toBeLessThanOrEqual(32);
});

test('short shards are put together, and long ones stay', () => {
  const short = Array.from({ length: 100 }, (_, i) => ({ until: `k${1_000 + i}`, pages: 1 }));
  const boundaries = boundariesOfLastListing([...short, { until: null, pages: 1 }]);
  expect(boundaries).toHaveLength(Math.ceil(101 / PAGES_A_SHARD) - 1);
  const long = [
    { until: 'a', pages: PAGES_A_SHARD },
    { until: 'b', pages: PAGES_A_SHARD },
    { until: null, pages: 2 },
  ];
  expect(boundariesOfLastListing(long)).toEqual(['a', 'b']);
  expect(boundariesOfLastListing([{ until: null, pages: 3 }])).toEqual([]);
});
