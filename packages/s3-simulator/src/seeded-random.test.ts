import { expect, test } from '@jest/globals';
import { seededRandom } from './seeded-random.ts';

test('the same seed gives the same choices', () => {
  const choices = (seed: number) => {
    const random = seededRandom(seed);
    return [
      random.integer(1, 1_000_000),
      random.pick(['a', 'b', 'c']),
      random.shuffle([1, 2, 3, 4]),
    ];
  };
  expect(choices(7)).toEqual(choices(7));
  expect(choices(7)).not.toEqual(choices(8));
});

test('whole numbers reach both ends and nothing beyond', () => {
  const random = seededRandom(1);
  const seen = new Set(Array.from({ length: 500 }, () => random.integer(3, 6)));
  expect([...seen].sort()).toEqual([3, 4, 5, 6]);
});
