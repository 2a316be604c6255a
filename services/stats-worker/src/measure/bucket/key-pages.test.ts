import { describe, expect, test } from '@jest/globals';
import { compareKeys } from '@odometer/domain/objects/key-order';
import fc from 'fast-check';
import { type Answer, keyPages } from './key-pages.ts';
import type { KeyRange, ListedObject, ListedPage } from './object-lister.ts';

const object = (key: string, version = ''): ListedObject => ({
  key,
  version,
  sizeBytes: 1,
  lastModifiedMs: 0,
});
const answer = (objects: readonly ListedObject[], change: Partial<Answer> = {}): Answer => ({
  objects,
  askedAtMs: 0,
  markedKeys: [],
  isTruncated: true,
  ...change,
});
const last = (objects: readonly ListedObject[]) => answer(objects, { isTruncated: false });

async function pagesOf(
  answers: Iterable<Answer>,
  range: KeyRange = { after: null, until: null },
): Promise<readonly ListedPage[]> {
  const pages: ListedPage[] = [];
  const asked = (async function* () {
    yield* answers;
  })();
  for await (const page of keyPages(range, asked, (reason) => new Error(reason))) pages.push(page);
  return pages;
}

const shape = (pages: readonly ListedPage[]) =>
  pages.map(({ objects, through, isLast }) => [
    objects.map(({ key, version }) => key + version).join(' '),
    through,
    isLast,
  ]);

test('a page reaches to its last key, the last one to the end of the range', async () => {
  const pages = await pagesOf([answer([object('a'), object('b')]), last([object('c')])]);
  expect(shape(pages)).toEqual([
    ['a b', 'b', false],
    ['c', null, true],
  ]);
});

test('what is beyond the range is left out, and nothing more is asked for', async () => {
  const range = { after: 'a', until: 'c' };
  const beyond = [answer([object('a'), object('b'), object('c'), object('d')])];
  expect(shape(await pagesOf(beyond, range))).toEqual([['b c', 'c', true]]);
  const upTo = [answer([object('b'), object('c')])];
  expect(shape(await pagesOf(upTo, range))).toEqual([['b c', 'c', true]]);
});

test('a key whose versions go on is kept until they end, with the time of the first question', async () => {
  const pages = await pagesOf([
    answer([object('a'), object('b', '3')], { openKey: 'b', askedAtMs: 10 }),
    answer([object('b', '2')], { openKey: 'b', askedAtMs: 20 }),
    answer([object('b', '1'), object('c', '1')], { openKey: 'c', askedAtMs: 30 }),
    { ...last([object('c', '0')]), askedAtMs: 40 },
  ]);
  expect(shape(pages)).toEqual([
    ['a', 'a', false],
    ['b3 b2 b1', 'b', false],
    ['c1 c0', null, true],
  ]);
  expect(pages.map(({ askedAtMs }) => askedAtMs)).toEqual([10, 10, 30]);
});

test('delete markers reach as far as objects do', async () => {
  const pages = await pagesOf([
    answer([object('a')], { markedKeys: ['b', 'c'], openKey: 'c' }),
    answer([], { markedKeys: ['c', 'd', 'e'], openKey: 'e' }),
    last([]),
  ]);
  expect(shape(pages)).toEqual([
    ['a', 'b', false],
    ['', 'd', false],
    ['', null, true],
  ]);
});

test('a key that Postgres cannot hold is no position', async () => {
  const pages = await pagesOf([answer([object('a'), object('b\0')]), last([object('c')])]);
  expect(shape(pages)).toEqual([
    ['a', 'a', false],
    ['b\0 c', null, true],
  ]);
});

describe('what cannot be right is refused', () => {
  test('keys that are not in the order of their bytes', async () => {
    await expect(pagesOf([last([object('b'), object('a')])])).rejects.toThrow('order');
    await expect(pagesOf([answer([object('b')]), last([object('a')])])).rejects.toThrow('order');
    await expect(pagesOf([last([object('a')])], { after: 'b', until: null })).rejects.toThrow();
  });

  test('answers without anything new, for ever', async () => {
    const forever = (function* () {
      for (;;) yield answer([]);
    })();
    await expect(pagesOf(forever)).rejects.toThrow('nothing new');
  });

  test('an end before the last page', async () => {
    await expect(pagesOf([answer([object('a')])])).rejects.toThrow('ended');
  });
});

test('however a range is cut into answers, its pages cover it once and have each object once', async () => {
  const keys = fc.uniqueArray(
    fc.string({ unit: fc.constantFrom('a', 'b', '\u{e000}', '😀'), minLength: 1, maxLength: 3 }),
    {
      maxLength: 30,
    },
  );
  await fc.assert(
    fc.asyncProperty(
      keys,
      fc.array(fc.nat({ max: 4 }), { minLength: 30, maxLength: 30 }),
      async (unsorted, lengths) => {
        const sorted = unsorted.toSorted(compareKeys);
        const answers: Answer[] = [];
        for (let from = 0, i = 0; ; i += 1) {
          const length = lengths[i % lengths.length] ?? 1;
          const to = i >= 60 ? sorted.length : from + length;
          const isTruncated = to < sorted.length;
          answers.push(
            answer(
              sorted.slice(from, to).map((key) => object(key)),
              { isTruncated },
            ),
          );
          if (!isTruncated) break;
          from = to;
        }
        const pages = await pagesOf(answers);
        expect(pages.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(sorted);
        let after: string | null = null;
        for (const { objects, through, isLast } of pages) {
          for (const { key } of objects) {
            if (after !== null) expect(compareKeys(key, after)).toBeGreaterThan(0);
            if (through !== null) expect(compareKeys(key, through)).toBeLessThanOrEqual(0);
          }
          expect(through === null).toBe(isLast);
          after = through;
        }
      },
    ),
  );
});
