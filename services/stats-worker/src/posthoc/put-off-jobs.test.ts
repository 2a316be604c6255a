import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ComeAgain } from '@odometer/queues/come-again';
import { JobQueue } from '@odometer/queues/job-queue';
import { JobWorker } from '@odometer/queues/job-worker';
import {
  createProducerRedis,
  createWorkerRedis,
  waitUntilReady,
} from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { spawnService } from '@odometer/testing/spawn-service';
import { createTestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

let server: Awaited<ReturnType<typeof startTestRedis>>;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let redis: ReturnType<typeof createProducerRedis>;
beforeAll(async () => {
  server = await startTestRedis();
  database = await createTestDatabase();
  redis = createProducerRedis({ url: server.url });
  await waitUntilReady(redis);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await database.drop();
});

test('what a worker has put off whose clock was ahead comes with the next bell', async () => {
  const queue = new JobQueue('posthoc', redis);
  await queue.add('pull', { log: 'no-such-log' }, 'pull.no-such-log', 1);
  const workerRedis = createWorkerRedis({ url: server.url });
  const ahead = new JobWorker({
    queue: 'posthoc',
    redis: workerRedis,
    process: async () => {
      throw new ComeAgain(86_400_000);
    },
    concurrency: 1,
    log: { warn() {}, error() {} },
  });
  await ahead.start();
  await eventually(async () => expect(await queue.depth()).toMatchObject({ delayed: 1 }));
  await ahead.stop();
  workerRedis.disconnect();

  // Its start is a bell.
  const worker = await spawnService('stats-worker', {
    DATABASE_URL: database.url,
    REDIS_URL: server.url,
  });
  try {
    await eventually(
      async () =>
        expect(await queue.depth()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 }),
      { deadlineMs: 60_000 },
    );
  } finally {
    await worker.kill('SIGTERM');
    await queue.stop();
  }
}, 120_000);
