import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { TrustedClock, trustedNow } from './trusted-now.ts';

const DAY_MS = 86_400_000;
const { pool } = useTestDatabase();

/** Of one machine, but for what a busy one takes for a question. */
const expectAbout = (actualMs: number, expectedMs: number) =>
  expect(Math.abs(actualMs - expectedMs)).toBeLessThan(20_000);

test('what two clocks say is what the earlier one says', async () => {
  expectAbout(await trustedNow(pool, () => Date.now() + 3 * DAY_MS), Date.now());
  expectAbout(await trustedNow(pool, () => Date.now() - 3 * DAY_MS), Date.now() - 3 * DAY_MS);
});

test('clocks that come apart, and together again, are told of once', async () => {
  const events: object[] = [];
  const log = {
    error: (fields: object) => events.push(fields),
    info: (fields: object) => events.push(fields),
  };
  let aheadMs = 0;
  const clock = new TrustedClock(pool, log, () => Date.now() + aheadMs);
  expect(clock.aheadMs).toBeUndefined();
  await clock.now();
  expect(Math.abs(clock.aheadMs ?? Number.NaN)).toBeLessThan(20_000);
  expect(events).toEqual([]);

  aheadMs = 13 * DAY_MS;
  for (let i = 0; i < 3; i += 1) expectAbout(await clock.now(), Date.now());
  expectAbout(clock.nowMs(), Date.now());
  expectAbout(clock.aheadMs ?? Number.NaN, aheadMs);
  expectAbout(clock.latestMs(), Date.now() + aheadMs);
  aheadMs = -DAY_MS;
  expectAbout(await clock.now(), Date.now() - DAY_MS);
  expectAbout(clock.nowMs(), Date.now() - DAY_MS);
  expectAbout(clock.latestMs(), Date.now());
  aheadMs = 0;
  await clock.now();
  expect(events).toEqual([
    { event: 'clock_apart', aheadSeconds: expect.any(Number) },
    { event: 'clock_together', aheadSeconds: expect.any(Number) },
  ]);
});
