import { expect, test } from '@jest/globals';
import { backoffMs, pause } from './backoff.ts';
import { RETRY_BACKOFF } from './job-options.ts';

test('doubles up to the cap, and keeps a random half of it', () => {
  const backoff = { firstMs: 100, capMs: 5_000 };
  expect([1, 2, 3, 6, 7, 1_000_000].map((n) => backoffMs(backoff, n, () => 1))).toEqual([
    100, 200, 400, 3_200, 5_000, 5_000,
  ]);
  expect(backoffMs(backoff, 3, () => 0)).toBe(200);
});

test('a job is never put off for more than 30 s', () => {
  for (let attempt = 1; attempt < 100; attempt += 1) {
    expect(backoffMs(RETRY_BACKOFF, attempt)).toBeLessThanOrEqual(30_000);
  }
});

test('a pause ends early, and without an error, when it is aborted', async () => {
  const controller = new AbortController();
  const paused = pause(60_000, controller.signal);
  controller.abort();
  await expect(paused).resolves.toBeUndefined();
  await expect(pause(60_000, controller.signal)).resolves.toBeUndefined();
});
