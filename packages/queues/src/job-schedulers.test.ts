import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { isOdometerError } from '@odometer/domain/errors';
import { eventually } from '@odometer/testing/eventually';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Connections, MemoryLog } from '../test/jobs.ts';
import { QUEUE_PREFIX } from './catalogue.ts';
import { JobSchedulers, type Schedule } from './job-schedulers.ts';
import { JobWorker } from './job-worker.ts';
import { createProducerRedis, createWorkerRedis, waitUntilReady } from './redis-connection.ts';

const connections = new Connections();
let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: Redis;
let schedulers: JobSchedulers<'periods'>;
/** BullMQ's own view. */
let queue: Queue;

beforeAll(async () => {
  server = await startTestRedis();
  redis = connections.add(createProducerRedis({ url: server.url }));
  await waitUntilReady(redis);
  schedulers = new JobSchedulers('periods', redis);
  queue = new Queue('periods', { connection: redis, prefix: QUEUE_PREFIX });
});
beforeEach(async () => {
  await eventually(() => redis.flushall());
});
afterAll(async () => {
  await schedulers.stop();
  await queue.close();
  await connections.close();
  await server.stop();
});

const HOURLY: Schedule<'periods'> = {
  id: 'hourly',
  recurrence: { pattern: '0 * * * *' },
  longestMs: 3_600_000,
  jobName: 'due',
  payload: { bell: 'hourly' },
};
const MONTHLY: Schedule<'periods'> = {
  ...HOURLY,
  id: 'monthly',
  recurrence: { pattern: '0 0 1 * *' },
  longestMs: 31 * 86_400_000,
  payload: { bell: 'monthly' },
};
const OFTEN: Schedule<'periods'> = {
  ...HOURLY,
  id: 'often',
  recurrence: { everyMs: 50 },
  longestMs: 50,
};

const definitions = async () =>
  (await queue.getJobSchedulers(0, -1, true)).map(({ key, pattern, next }) => ({
    key,
    pattern,
    next,
  }));
const NOTHING = { put: [], removed: [] };

test('puts what is missing, each with its next time in UTC, and touches nothing the second time', async () => {
  expect(await schedulers.keep([HOURLY, MONTHLY])).toEqual({
    put: ['hourly', 'monthly'],
    removed: [],
  });
  const nextHour = (Math.floor(Date.now() / 3_600_000) + 1) * 3_600_000;
  const now = new Date();
  const nextMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  const first = await definitions();
  expect(first).toContainEqual({ key: 'hourly', pattern: '0 * * * *', next: nextHour });
  expect(first).toContainEqual({ key: 'monthly', pattern: '0 0 1 * *', next: nextMonth });
  expect(await schedulers.keep([HOURLY, MONTHLY])).toEqual(NOTHING);
  expect(await definitions()).toEqual(first);
  expect(await queue.getJobCounts('delayed', 'wait')).toEqual({ delayed: 2, wait: 0 });
});

test('changes what differs, in time or in content, and removes what nobody knows', async () => {
  await schedulers.keep([HOURLY, MONTHLY, { ...HOURLY, id: 'weekly' }]);
  const quarterly: Schedule<'periods'> = { ...HOURLY, recurrence: { pattern: '*/15 * * * *' } };
  const renamed: Schedule<'periods'> = { ...MONTHLY, payload: { bell: 'daily' } };
  expect(await schedulers.keep([quarterly, renamed])).toEqual({
    put: ['hourly', 'monthly'],
    removed: ['weekly'],
  });
  expect((await definitions()).map(({ pattern }) => pattern).sort()).toEqual([
    '*/15 * * * *',
    '0 0 1 * *',
  ]);
  expect(await schedulers.keep([quarterly, renamed])).toEqual(NOTHING);
  expect(await queue.getJobCounts('delayed', 'wait')).toEqual({ delayed: 2, wait: 0 });
});

test('puts back what a Redis without its data has lost, and a job that somebody removed', async () => {
  await schedulers.keep([HOURLY]);
  await redis.flushall();
  expect(await schedulers.keep([HOURLY])).toEqual({ put: ['hourly'], removed: [] });
  const [delayed] = await queue.getDelayed();
  await redis.del(queue.toKey(delayed?.id ?? ''));
  await redis.zrem(queue.toKey('delayed'), delayed?.id ?? '');
  expect(await schedulers.keep([HOURLY])).toEqual({ put: ['hourly'], removed: [] });
  expect(await queue.getJobCounts('delayed')).toEqual({ delayed: 1 });
});

test('a bell hung by a clock that was ahead is hung anew', async () => {
  const { now } = Date;
  try {
    Date.now = () => now() + 40 * 86_400_000;
    await schedulers.keep([HOURLY]);
  } finally {
    Date.now = now;
  }
  expect((await schedulers.keep([HOURLY])).put).toEqual(['hourly']);
  const [hourly] = await definitions();
  expect(hourly?.next).toBeLessThanOrEqual(Date.now() + 3_600_000);
  expect(await queue.getDelayedCount()).toBe(1);
  expect(await schedulers.keep([HOURLY])).toEqual(NOTHING);
});

test('twenty that keep the same at once leave one of each', async () => {
  await Promise.all(Array.from({ length: 20 }, () => schedulers.keep([HOURLY, MONTHLY])));
  expect(await definitions()).toHaveLength(2);
  expect(await queue.getJobCounts('delayed', 'wait')).toEqual({ delayed: 2, wait: 0 });
});

test('an overdue bell survives a restart of the scheduler', async () => {
  await schedulers.keep([{ ...OFTEN, recurrence: { everyMs: 200 } }]);
  await eventually(async () => {
    const [job] = await queue.getJobs(['delayed', 'wait']);
    return (job?.timestamp ?? 0) + (job?.delay ?? 0) < Date.now() - 500;
  });
  const overdue = await queue.getJobs(['delayed', 'wait']);
  expect(await schedulers.keep([{ ...OFTEN, recurrence: { everyMs: 200 } }])).toEqual(NOTHING);
  expect((await queue.getJobs(['delayed', 'wait'])).map(({ id }) => id)).toEqual(
    overdue.map(({ id }) => id),
  );
});

test('a bell rings with its payload, again and again, and one that fails for good leaves no dead letter', async () => {
  await schedulers.keep([OFTEN]);
  const heard: unknown[] = [];
  const log = new MemoryLog();
  const worker = new JobWorker({
    queue: 'periods',
    redis: connections.add(createWorkerRedis({ url: server.url })),
    process: async ({ name, payload }) => {
      heard.push({ name, payload });
      if (heard.length === 2) throw Object.assign(new Error('no'), { name: 'UnrecoverableError' });
    },
    concurrency: 1,
    log,
  });
  await worker.start();
  await eventually(() => heard.length >= 5);
  expect(await schedulers.keep([OFTEN])).toEqual(NOTHING);
  await worker.stop();
  expect(new Set(heard.map((each) => JSON.stringify(each)))).toEqual(
    new Set([JSON.stringify({ name: 'due', payload: { bell: 'hourly' } })]),
  );
  expect(log.events()).toContain('job_failed');
  expect(await queue.getJobCounts('failed', 'completed')).toEqual({ failed: 0, completed: 0 });
});

test('says that Redis is away, and does its work when it is back', async () => {
  await server.kill();
  const error = await schedulers.keep([HOURLY]).catch((reason: unknown) => reason);
  expect(isOdometerError(error, 'queue_unavailable')).toBe(true);
  await server.start();
  await eventually(() => schedulers.keep([HOURLY]));
  expect(await definitions()).toHaveLength(1);
});
