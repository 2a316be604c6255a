import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { storeDeadLetter } from '@odometer/database/dead-letters';
import { createPool, type Pool } from '@odometer/database/pool';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { waitForJob } from './wait-for-job.ts';

let database: TestDatabase;
let redis: Awaited<ReturnType<typeof startTestRedis>>;
let client: ReturnType<typeof createProducerRedis>;
let pool: Pool;
let queue: JobQueue<'periods'>;
beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 2 }, () => {});
  client = createProducerRedis({ url: redis.url });
  await waitUntilReady(client, 5_000);
  queue = new JobQueue('periods', client);
});
afterAll(async () => {
  await queue.stop();
  client.disconnect();
  await pool.end();
  await Promise.all([database.drop(), redis.stop()]);
});

test('a job that failed for good ends the waiting with its reason', async () => {
  await storeDeadLetter(pool, {
    queue: 'periods',
    jobId: 'snapshot.1',
    jobName: 'snapshot',
    payload: '{}',
    reason: 'no such day',
    attempts: 1,
    epoch: null,
    seq: null,
    items: 0,
    organizations: [],
    acceptedAtMs: null,
    failedAtMs: 0,
  });
  await expect(
    waitForJob({ pool, queue }, 'snapshot.1', async () => ({ isDone: false, progress: '' })),
  ).rejects.toMatchObject({ code: 'job_failed', params: { reason: 'no such day' } });
});

test('what a look sees is of after the job only when the job was gone before the look', async () => {
  await queue.add('snapshot', { date: '2026-01-01' }, 'snapshot.2');
  const looks: boolean[] = [];
  await waitForJob({ pool, queue }, 'snapshot.2', async (isGone) => {
    looks.push(isGone);
    // Done while somebody looks.
    await queue.run((connection) => connection.del(queue.key('snapshot.2')));
    return { isDone: isGone, progress: String(looks.length) };
  });
  expect(looks).toEqual([false, true]);
});
