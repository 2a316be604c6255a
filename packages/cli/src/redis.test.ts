import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  beginMeasurement,
  finishMeasurement,
  type MeasurementRequest,
} from '@odometer/database/measuring/measurements';
import { createPool, type Pool } from '@odometer/database/pool';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { measureNow } from './measuring/measure-now.ts';
import { type OpenQueue, onceRedisReturns } from './redis.ts';

let database: TestDatabase;
let redis: Awaited<ReturnType<typeof startTestRedis>>;
let proxy: TcpProxy;
let client: ReturnType<typeof createProducerRedis>;
let pool: Pool;
let queue: JobQueue<'measure'>;
beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  proxy = await tcpProxy(Number(new URL(redis.url).port));
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 2 }, () => {});
  client = createProducerRedis({ url: proxy.url(redis.url) });
  await waitUntilReady(client, 5_000);
  queue = new JobQueue('measure', client);
});
afterAll(async () => {
  await queue.stop();
  client.disconnect();
  await pool.end();
  await proxy.close();
  await Promise.all([database.drop(), redis.stop()]);
});

const wish: MeasurementRequest = {
  kind: 'bucket',
  target: 'assets',
  purpose: 'reconcile',
  options: {},
};

test('a measurement is waited for while Redis is away and comes back', async () => {
  let looks = 0;
  const open = () => {
    looks += 1;
    return queue;
  };
  let ended: unknown;
  const measured = measureNow(pool, open as unknown as OpenQueue, [wish])
    .then(
      (all) => all.map(({ state }) => state),
      (error) => String(error),
    )
    .then((end) => {
      ended = end;
    });
  await eventually(async () => expect((await queue.depth()).waiting).toBe(1));
  // A worker has it.
  const hold = { holder: crypto.randomUUID() };
  const begun = await beginMeasurement(pool, wish, hold.holder);
  proxy.refuse();
  await eventually(async () => {
    await expect(queue.depth()).rejects.toMatchObject({ code: 'queue_unavailable' });
  });
  const looksBefore = looks;
  await eventually(() => expect(looks).toBeGreaterThan(looksBefore + 1));
  expect(ended).toBeUndefined();
  await finishMeasurement(
    pool,
    { id: begun?.id ?? '', ...hold },
    { state: 'complete', figures: {} },
  );
  proxy.pass();
  await measured;
  expect(ended).toEqual(['complete']);
}, 30_000);

test('when it does not come back, one sentence says so and what goes on', async () => {
  proxy.refuse();
  await eventually(async () => {
    await expect(queue.depth()).rejects.toMatchObject({ code: 'queue_unavailable' });
  });
  await expect(onceRedisReturns(() => queue.get('bucket.assets'), 1_000)).rejects.toMatchObject({
    code: 'redis_unavailable',
    message:
      'Redis does not answer (for 1 s; what was asked for goes on without this command); check that it runs, and REDIS_URL',
  });
  proxy.pass();
}, 30_000);
