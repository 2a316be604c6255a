import { expect, test } from '@jest/globals';
import { comparableSequencer } from '@odometer/domain/objects/sequencer';
import { midnightSequencer, Sequencers } from './sequencers.ts';

test('sequencers rise, whatever the clock does, and differ in length', () => {
  const sequencers = new Sequencers();
  const times = [0, 0, 1, 999, 1_000, 500, 86_400_000, 86_400_000, 3, 1_790_000_000_000];
  const given = Array.from({ length: 2_000 }, (_, index) =>
    sequencers.next(1_700_000_000_000 + (times[index % times.length] ?? 0)),
  );
  const comparable = given.map((each) => comparableSequencer(each) ?? 'orders nothing');
  expect([...comparable].sort()).toEqual(comparable);
  expect(new Set(comparable).size).toBe(given.length);
  expect(new Set(given.map(({ length }) => length))).toEqual(new Set([16, 18]));
});

test('a rule stamps midnight as the sample of the S3 User Guide does', () => {
  expect(midnightSequencer(Date.UTC(2021, 9, 29, 17, 3))).toBe('00617B398000000000');
});
