import { expect, test } from '@jest/globals';
import { RateLimit } from './rate-limit.ts';

test('a key may send its events per second, large requests at once and paid back later', () => {
  let nowMs = 0;
  const limit = new RateLimit(100, () => nowMs);
  expect(limit.retryAfterSeconds('a')).toBe(0);
  limit.spend('a', 1_000);
  expect(limit.retryAfterSeconds('a')).toBe(10);
  expect(limit.retryAfterSeconds('b')).toBe(0);
  nowMs = 9_000;
  expect(limit.retryAfterSeconds('a')).toBe(1);
  nowMs = 9_020;
  expect(limit.retryAfterSeconds('a')).toBe(0);
});

test('0 sets no bound', () => {
  const limit = new RateLimit(0);
  limit.spend('a', 1e9);
  expect(limit.retryAfterSeconds('a')).toBe(0);
});
