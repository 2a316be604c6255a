import { expect, test } from '@jest/globals';
import { backoffMs } from './backoff.ts';

test('doubles up to the cap, and keeps a random half of it', () => {
  const backoff = { firstMs: 100, capMs: 5_000 };
  expect([1, 2, 3, 6, 7, 1_000_000].map((n) => backoffMs(backoff, n, () => 1))).toEqual([
    100, 200, 400, 3_200, 5_000, 5_000,
  ]);
  expect(backoffMs(backoff, 3, () => 0)).toBe(200);
});
