import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { OdometerError } from '@odometer/domain/errors';
import { eventually } from '@odometer/testing/eventually';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Connections, countBatch, flush, MemoryLog } from '../test/jobs.ts';
import { type DeadLetter, retryDeadLetter } from './dead-letter.ts';
import { DeadLetterSweep } from './dead-letter-sweep.ts';
import type { JobQueue } from './job-queue.ts';
import { JobWorker } from './job-worker.ts';
import { createWorkerRedis } from './redis-connection.ts';

const connections = new Connections();
const log = new MemoryLog();
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

/** Adds jobs and has them fail for good. */
async function fail(...seqs: number[]): Promise<void> {
  for (const seq of seqs) await queue.add('count-batch', countBatch(seq, 3), `counter.7.${seq}`);
  const worker = new JobWorker({
    queue: 'counts',
    redis: connections.add(createWorkerRedis({ url: server.url })),
    process: async () => {
      throw new OdometerError('config_invalid', { count: 1, problems: 'poison' });
    },
    concurrency: 4,
    log,
  });
  await worker.start();
  await eventually(async () => expect(await queue.depth()).toMatchObject({ failed: seqs.length }));
  await worker.stop();
}

function sweepInto(store: (letter: DeadLetter) => Promise<void>): DeadLetterSweep {
  return new DeadLetterSweep({ queues: [queue], store, log, intervalMs: 20 });
}

test('a failed job is stored with all that is known of it, and removed only after that', async () => {
  await fail(1);
  const letters: DeadLetter[] = [];
  const stored = await sweepInto(async (letter) => {
    expect(await queue.get(letter.jobId)).toBeDefined();
    letters.push(letter);
  }).sweep();
  expect(stored).toBe(1);
  expect(letters).toEqual([
    {
      queue: 'counts',
      jobId: 'counter.7.1',
      jobName: 'count-batch',
      payload: JSON.stringify(countBatch(1, 3)),
      reason: expect.stringContaining('poison'),
      attempts: 1,
      epoch: '7',
      seq: 1,
      items: 3,
      organizations: [],
      acceptedAtMs: 0,
      failedAtMs: expect.any(Number),
    },
  ]);
  expect(Math.abs(Date.now() - (letters[0]?.failedAtMs ?? 0))).toBeLessThan(10_000);
  expect(await queue.get('counter.7.1')).toBeUndefined();
  expect(await queue.depth()).toMatchObject({ failed: 0 });
  expect(await queue.run((redis) => redis.keys('*counter*'))).toEqual([]);
});

test('while it cannot be stored it stays in Redis, and the sweep goes on trying', async () => {
  await fail(1);
  let tries = 0;
  const sweep = sweepInto(async () => {
    tries += 1;
    if (tries < 3) throw new Error('Postgres is away');
  });
  await sweep.start();
  await eventually(async () => expect(await queue.depth()).toMatchObject({ failed: 0 }));
  await sweep.stop();
  expect(tries).toBe(3);
  expect(log.events()).toContain('dead_letter_sweep_failed');
});

test('a whole backlog of them is moved, and a job that waits is left alone', async () => {
  const seqs = Array.from({ length: 45 }, (_, index) => index + 1);
  await fail(...seqs);
  await queue.add('count-batch', countBatch(99), 'counter.7.99');
  const ids = new Set<string>();
  await sweepInto(async ({ jobId }) => {
    ids.add(jobId);
  }).sweep();
  expect(ids.size).toBe(45);
  expect(await queue.depth()).toMatchObject({ failed: 0, waiting: 1 });
});

test('a letter is put back as it was, also when a sweep removes its failed self just then', async () => {
  await fail(1);
  await sweepInto(async (letter) => {
    // Somebody retries it the moment it is in Postgres, before the sweep has removed the job.
    await retryDeadLetter(queue, letter);
  }).sweep();
  expect(await queue.depth()).toMatchObject({ failed: 0, waiting: 1 });
  expect(await queue.get('counter.7.1')).toEqual({ name: 'count-batch', data: countBatch(1, 3) });
});

test('starting and stopping are safe at any time', async () => {
  const sweep = sweepInto(async () => {});
  await Promise.all([sweep.start(), sweep.start(), sweep.stop(), sweep.stop()]);
  await sweep.start();
  await fail(1);
  expect(await queue.depth()).toMatchObject({ failed: 1 });
});
