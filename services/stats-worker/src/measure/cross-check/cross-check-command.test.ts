import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { runOdometer } from '@odometer/testing/run-odometer';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { startTestBroker } from '@odometer/testing/test-broker';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { connectAsync } from 'mqtt';

// Commands and workers are processes of their own, which take seconds to start on a busy machine.
jest.setTimeout(120_000);

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let broker: Awaited<ReturnType<typeof startTestBroker>>;
let database: TestDatabase;
let worker: SpawnedService;
beforeAll(async () => {
  [redis, broker, database] = await Promise.all([
    startTestRedis(),
    startTestBroker({ configuration: ['sys_interval 1'] }),
    createTestDatabase(),
  ]);
  worker = await spawnService('stats-worker', {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    ODOMETER_WORKER_QUEUES: 'measure',
    ODOMETER_CROSS_CHECK_URL_MAIN: broker.url,
  });
  await worker.ready();
});
afterAll(async () => {
  await worker.kill('SIGTERM');
  await database.drop();
  await broker.stop();
  await redis.stop();
});

const odometer = (args: readonly string[], input?: string) =>
  runOdometer(args, { DATABASE_URL: database.url, REDIS_URL: redis.url }, input);

test('a cross-check is made by a command, which shows how far both are apart', async () => {
  const spec = { name: 'main', source: 'broker', urlEnv: 'ODOMETER_CROSS_CHECK_URL_MAIN' };
  const declaration = JSON.stringify({ kind: 'CrossCheck', spec: { ...spec, waitSeconds: 4 } });
  expect(await odometer(['apply', '-f', '-'], declaration)).toMatchObject({ exitCode: 0 });
  const first = await odometer(['measure', 'cross-check', 'main']);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toMatch(/cross_check +main +complete/);
  expect(first.stdout).toContain('main: unknown: there is no reading before it');

  const client = await connectAsync(broker.url, { reconnectPeriod: 0 });
  for (let n = 0; n < 1_200; n += 1) await client.publishAsync('any/topic', 'x');
  await client.endAsync();
  const second = await odometer(['measure']);
  expect(second.stdout).toMatch(/main +broker +.* +1,200 +0 +1,200 +1,000 +no\n/);
  const none = await odometer(['measure', 'cross-check', '--project', 'acme/web']);
  expect(none.stderr).toContain('acme/web');
});
