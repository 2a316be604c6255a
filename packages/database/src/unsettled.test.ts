import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { listDeadLetters, markDeadLetterRetried, storeDeadLetter } from './dead-letters.ts';
import { recordGap } from './gaps.ts';
import { newestGaps, unsettledLetters } from './unsettled.ts';

const { pool } = useTestDatabase();

const fail = (jobId: string, failedAtMs: number) =>
  storeDeadLetter(pool, {
    queue: 'events',
    jobId,
    jobName: 'event-batch',
    payload: '{}',
    reason: 'poison',
    attempts: 1,
    epoch: null,
    seq: null,
    items: 1,
    organizations: [],
    acceptedAtMs: null,
    failedAtMs,
  });

test('a letter waits for somebody until it is retried, and again when it fails again', async () => {
  expect(await unsettledLetters(pool)).toEqual([]);
  await fail('a', 1_000);
  await fail('b', 5_000);
  const both = {
    queue: 'events',
    letters: 2,
    oldestFailedAt: new Date(1_000),
    newestFailedAt: new Date(5_000),
  };
  expect(await unsettledLetters(pool)).toEqual([both]);
  const oldest = (await listDeadLetters(pool, 10)).find(({ jobId }) => jobId === 'a');
  await markDeadLetterRetried(pool, oldest?.id ?? '');
  expect(await unsettledLetters(pool)).toEqual([
    { ...both, letters: 1, oldestFailedAt: new Date(5_000) },
  ]);
  await fail('a', 9_000);
  expect(await unsettledLetters(pool)).toEqual([
    { ...both, oldestFailedAt: new Date(5_000), newestFailedAt: new Date(9_000) },
  ]);
});

test('of gaps the newest of each reason is told', async () => {
  expect(await newestGaps(pool)).toEqual([]);
  const gap = { source: 's', epoch: null, startedAtMs: null, endedAtMs: 1, detail: {} } as const;
  await recordGap(pool, { ...gap, reason: 'session_lost' });
  await recordGap(pool, { ...gap, reason: 'session_lost' });
  const [newest, ...others] = await newestGaps(pool);
  expect(newest?.reason).toBe('session_lost');
  expect(Math.abs(Date.now() - (newest?.recordedAt.getTime() ?? 0))).toBeLessThan(60_000);
  expect(others).toEqual([]);
});
