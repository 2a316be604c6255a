import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Backlog } from './backlog.ts';

let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
let queue: JobQueue<'registry'>;
beforeAll(async () => {
  server = await startTestRedis();
  redis = createProducerRedis({ url: server.url });
  await waitUntilReady(redis);
  queue = new JobQueue('registry', redis);
});
afterAll(async () => {
  await queue.stop();
  redis.disconnect();
  await server.stop();
});

test('there is room again when jobs are done; who waits for it goes on then, or when told to stop', async () => {
  const backlog = new Backlog(queue, 2);
  const never = new AbortController();
  await backlog.whenRoom(never.signal);
  for (const id of ['a.1', 'a.2']) {
    await queue.add('attribute-usage', { organization: 'acme', project: id }, id);
  }
  await backlog.refresh();
  expect([backlog.batches, backlog.isOverLimit]).toEqual([2, true]);

  const stopping = new AbortController();
  const stopped = backlog.whenRoom(stopping.signal);
  stopping.abort();
  await stopped;

  let went = false;
  const waiting = backlog.whenRoom(never.signal).then(() => {
    went = true;
  });
  await redis.flushall();
  expect(went).toBe(false);
  await backlog.refresh();
  await waiting;
});

test('while Redis is away the last figure stands', async () => {
  const backlog = new Backlog(queue, 1);
  await queue.add('attribute-usage', { organization: 'acme', project: 'b' }, 'b.1');
  await backlog.refresh();
  redis.disconnect();
  await backlog.refresh();
  expect(backlog.batches).toBe(1);
});
