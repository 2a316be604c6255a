import { expect, test } from '@jest/globals';
import { message, putRecord } from '../watcher.fixture.ts';
import { sortRecords } from './sort-records.ts';
import { textsToKeep } from './texts-to-keep.ts';

const refusedOf = (text: string) => sortRecords(text, [], new Map()).refused;
const bad = (count: number) => Array.from({ length: count }, (_, index) => ({ bad: index }));

test('few are kept one by one, and the same text once', () => {
  const [first, second] = bad(2).map((record) => message(record));
  expect(textsToKeep(refusedOf(message(...bad(2), ...bad(2))))).toEqual([first, second]);
});

test('many are kept together, all that is bad and nothing else', () => {
  const text = message(putRecord('photos', 'a'), ...bad(500), putRecord('photos', 'b'));
  const kept = textsToKeep(refusedOf(text));
  expect(kept).toEqual([message(...bad(500))]);
  expect(refusedOf(kept[0] ?? '')).toHaveLength(500);
});

test('one that is nested too deep to be written again takes none of the others along', () => {
  const deep = `{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const text = `{"Records":[${deep},${JSON.stringify(bad(500)).slice(1, -1)}],"other":[1]}`;
  expect(textsToKeep(refusedOf(text))).toEqual([message(...bad(500)), text]);
});
