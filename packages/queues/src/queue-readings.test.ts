import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Connections, countBatch, flush, MemoryLog } from '../test/jobs.ts';
import { Backlog } from './backlog.ts';
import { findJobs } from './find-jobs.ts';
import type { JobQueue } from './job-queue.ts';
import { JobWorker } from './job-worker.ts';
import { readQueues } from './queue-metrics.ts';
import { createWorkerRedis } from './redis-connection.ts';

const connections = new Connections();
let server: Awaited<ReturnType<typeof startTestRedis>>;
let queue: JobQueue<'counts'>;

beforeAll(async () => {
  server = await startTestRedis();
  queue = await connections.counts(server.url);
});
beforeEach(() => flush(queue));
afterAll(async () => {
  await connections.close();
  await server.stop();
});

test('finds jobs in every state with what they hold, and not those that are not in Redis', async () => {
  for (let seq = 1; seq <= 4; seq += 1) {
    await queue.add('count-batch', countBatch(seq, seq * 10), `counter.7.${seq}`);
  }
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const worker = new JobWorker({
    queue: 'counts',
    redis: connections.add(createWorkerRedis({ url: server.url })),
    process: async ({ payload }) => {
      if (payload.seq === 2) throw new Error('again later');
      if (payload.seq > 2) await held;
    },
    concurrency: 2,
    log: new MemoryLog(),
  });
  await worker.start();
  await eventually(async () =>
    expect(await queue.depth()).toEqual({ waiting: 0, active: 2, delayed: 1, failed: 0 }),
  );
  await queue.add('seal', { source: 'counter', epoch: '7', seq: 5, sealedBy: '8' }, 'counter.7.5');
  const ids = [1, 2, 3, 4, 5, 6].map((seq) => `counter.7.${seq}`);
  expect(await findJobs(queue, ids)).toEqual(
    new Map([
      ['counter.7.2', { state: 'delayed', accepted: 20 }],
      ['counter.7.3', { state: 'active', accepted: 30 }],
      ['counter.7.4', { state: 'active', accepted: 40 }],
      ['counter.7.5', { state: 'waiting', accepted: 0 }],
    ]),
  );
  release();
  await worker.stop();
});

test('a job whose id is in no list any more counts as not in Redis', async () => {
  await queue.add('count-batch', countBatch(1), 'counter.7.1');
  await queue.run((redis) => redis.del(queue.key('wait')));
  expect(await findJobs(queue, ['counter.7.1'])).toEqual(new Map());
});

test('finds a thousand among many', async () => {
  const ids = Array.from({ length: 1_200 }, (_, index) => `counter.7.${index + 1}`);
  await Promise.all(ids.map((id, index) => queue.add('count-batch', countBatch(index + 1), id)));
  expect((await findJobs(queue, ids)).size).toBe(1_200);
});

test('shows the depth and the age of the job that is next', async () => {
  expect(await readQueues([queue])).toEqual([
    {
      queue: 'counts',
      depth: { waiting: 0, active: 0, delayed: 0, failed: 0 },
      oldestWaitingAgeSeconds: 0,
    },
  ]);
  await queue.add('count-batch', countBatch(1), 'counter.7.1');
  await queue.run((redis) =>
    redis.hset(queue.key('counter.7.1'), 'timestamp', Date.now() - 90_000),
  );
  await queue.add('count-batch', countBatch(2), 'counter.7.2');
  const [reading] = await readQueues([queue]);
  expect(reading?.depth.waiting).toBe(2);
  expect(reading?.oldestWaitingAgeSeconds).toBeGreaterThanOrEqual(90);
  expect(reading?.oldestWaitingAgeSeconds).toBeLessThan(100);
});

test('jobs with a turn are shown as waiting, too, and the age is that of the one that is next', async () => {
  await queue.add('count-batch', countBatch(2), 'counter.7.2', 5);
  await queue.add('count-batch', countBatch(1), 'counter.7.1', 3);
  await queue.run((redis) =>
    redis.hset(queue.key('counter.7.1'), 'timestamp', Date.now() - 90_000),
  );
  const [reading] = await readQueues([queue]);
  expect(reading?.depth.waiting).toBe(2);
  expect(reading?.oldestWaitingAgeSeconds).toBeGreaterThanOrEqual(90);
});

test('the backlog is known soon after it is asked for, and nobody waits for it', async () => {
  const backlog = new Backlog(queue);
  expect(backlog.waiting()).toBe(0);
  await queue.add('count-batch', countBatch(1), 'counter.7.1');
  await eventually(() => expect(backlog.waiting()).toBe(1));
});

test('nothing is claimed about jobs while Redis is away', async () => {
  await server.kill();
  await expect(findJobs(queue, ['counter.7.1'])).rejects.toMatchObject({
    code: 'queue_unavailable',
  });
  await expect(readQueues([queue])).rejects.toMatchObject({ code: 'queue_unavailable' });
  await server.start();
});
