import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { seededRandom } from '@odometer/testing/seeded-random';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Connections, countBatch } from '../test/jobs.ts';
import { enqueueUntilDurable } from './enqueue-until-durable.ts';
import type { JobQueue } from './job-queue.ts';

const connections = new Connections();
let server: Awaited<ReturnType<typeof startTestRedis>>;
let queue: JobQueue<'counts'>;

beforeAll(async () => {
  server = await startTestRedis();
  queue = await connections.counts(server.url);
});
afterAll(async () => {
  await connections.close();
  await server.stop();
});

test('adds while Redis is killed and started again, again and again: each job once, none lost', async () => {
  const jobs = 3_000;
  const signal = AbortSignal.timeout(60_000);
  let retries = 0;
  let added = 0;
  // The moment of the kills is what matters, and no seed could repeat it.
  const random = seededRandom(Date.now() % 1_000_000);
  const adding = (async () => {
    const lanes = Array.from({ length: 10 }, async (_, lane) => {
      for (let seq = lane + 1; seq <= jobs; seq += 10) {
        await enqueueUntilDurable(queue, 'count-batch', countBatch(seq), `counter.7.${seq}`, {
          signal,
          onRetry: () => {
            retries += 1;
          },
        });
        added += 1;
      }
    });
    await Promise.all(lanes);
  })();
  for (let kill = 1; kill <= 3; kill += 1) {
    const killAt = (kill * jobs) / 4 - random.integer(0, 200);
    while (added < killAt) await new Promise(setImmediate);
    const retriesBefore = retries;
    await server.kill();
    // A restart that is quicker than a reconnection is one more resend, and covered elsewhere.
    await eventually(() => retries >= retriesBefore + 20);
    await server.start();
  }
  await adding;

  const ids = await queue.run((redis) => redis.lrange(queue.key('wait'), 0, -1));
  expect(ids).toHaveLength(jobs);
  expect(new Set(ids).size).toBe(jobs);
}, 90_000);

test('ends with the reason when it is aborted while Redis is away', async () => {
  await server.kill();
  const controller = new AbortController();
  const adding = enqueueUntilDurable(queue, 'count-batch', countBatch(1), 'counter.9.1', {
    signal: controller.signal,
    onRetry: ({ attempt }) => {
      if (attempt === 3) controller.abort(new Error('draining'));
    },
  });
  await expect(adding).rejects.toThrow('draining');
  await server.start();
});

test('a bug is not tried again', async () => {
  const signal = AbortSignal.timeout(5_000);
  await expect(
    enqueueUntilDurable(queue, 'count-batch', countBatch(1), 'wait', { signal }),
  ).rejects.toThrow(TypeError);
});
