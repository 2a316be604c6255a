import { expect, test } from '@jest/globals';
import { Accumulator, OwnerCounts } from './accumulator.ts';

const HOUR = 3_600_000;

test('a flush holds messages, bytes and units by owner and direction, and starts empty again', () => {
  const accumulator = new Accumulator(0);
  const a = new OwnerCounts('o', 'p', 'd');
  const b = new OwnerCounts('o', 'q', '');
  accumulator.count(a, false, 10);
  accumulator.count(a, false, 5121);
  accumulator.count(a, true, 7);
  accumulator.count(b, true, 5120);
  expect(accumulator.owners).toBe(2);
  expect(accumulator.freeze()).toEqual({
    messages: 4,
    hours: [
      {
        hourMs: 0,
        counts: [
          ['o', 'p', 'd', 2, 5131, 3, 1, 7, 1],
          ['o', 'q', '', 0, 0, 0, 1, 5120, 1],
        ],
      },
    ],
  });
  expect(accumulator.freeze()).toEqual({ messages: 0, hours: [] });
  accumulator.count(a, false, 1);
  expect(accumulator.freeze().hours[0]?.counts).toEqual([['o', 'p', 'd', 1, 1, 1, 0, 0, 0]]);
});

test('a message belongs to the hour in which it arrived', () => {
  const accumulator = new Accumulator(HOUR - 1);
  const owner = new OwnerCounts('o', 'p', 'd');
  accumulator.count(owner, false, 1);
  accumulator.tick(HOUR - 1);
  accumulator.count(owner, false, 1);
  accumulator.tick(HOUR);
  accumulator.count(owner, false, 1);
  expect(accumulator.owners).toBe(2);
  expect(accumulator.freeze().hours).toEqual([
    { hourMs: 0, counts: [['o', 'p', 'd', 2, 2, 2, 0, 0, 0]] },
    { hourMs: HOUR, counts: [['o', 'p', 'd', 1, 1, 1, 0, 0, 0]] },
  ]);
});

test('a clock that is set back opens no hour twice', () => {
  const accumulator = new Accumulator(HOUR);
  const owner = new OwnerCounts('o', 'p', 'd');
  accumulator.count(owner, false, 1);
  accumulator.tick(HOUR - 1);
  accumulator.count(owner, false, 1);
  expect(accumulator.freeze().hours.map(({ hourMs }) => hourMs)).toEqual([HOUR]);
});

test('a clock that jumped ahead and came back is followed from the next flush on', () => {
  const accumulator = new Accumulator(HOUR);
  const owner = new OwnerCounts('o', 'p', 'd');
  accumulator.tick(1_000 * HOUR);
  accumulator.count(owner, false, 1);
  accumulator.tick(HOUR + 1);
  accumulator.freeze();
  accumulator.tick(HOUR + 2);
  accumulator.count(owner, false, 1);
  expect(accumulator.freeze().hours.map(({ hourMs }) => hourMs)).toEqual([HOUR]);
});
