import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createPool, type Pool } from '@odometer/database/pool';
import { BUILT_IN_METERS } from '@odometer/domain/meters';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { type OdometerRun, runOdometer } from '@odometer/testing/run-odometer';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

// Every run is a process that starts, which takes seconds on a machine that is busy with other tests.
jest.setTimeout(120_000);

let database: TestDatabase;
let pool: Pool;
let redis: Awaited<ReturnType<typeof startTestRedis>>;
beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 2 }, () => {});
  await pool.query("select create_month_partitions('2026-11-01Z', '2026-11-01Z')");
  await pool.query(
    `insert into events (time, key, unattributed_to, source, id, type, subject, time_given, ingested_at)
     values ('2026-11-05Z', gen_random_uuid(), 'acme/web', 's', '1', 'gpu', 'acme/web', true, now())`,
  );
});
afterAll(async () => {
  await pool.end();
  await Promise.all([database.drop(), redis.stop()]);
});

const meters = (...args: string[]): Promise<OdometerRun> =>
  runOdometer(['meters', ...args], { DATABASE_URL: database.url, REDIS_URL: redis.url });

test('a meter is created with its count back asked for, shown, and deleted while nothing was counted by it', async () => {
  const created = await meters(
    'create',
    'gpu_seconds',
    ...['--event-type', 'gpu', '--aggregation', 'sum', '--value-property', '$.seconds'],
    ...['--group-by', 'model=$.model', 'zone=$["a=b"]', '--unit', 'second'],
  );
  expect(created).toMatchObject({ exitCode: 0, stderr: '' });
  expect(created.stdout).toContain('Events that came before it are being counted.');
  const client = createProducerRedis({ url: redis.url });
  await waitUntilReady(client, 5_000);
  const queue = new JobQueue('periods', client);
  expect(await queue.get('count-back.gpu_seconds.0')).toEqual({
    name: 'count-back',
    data: { meter: 'gpu_seconds', part: 0 },
  });
  await queue.stop();
  client.disconnect();

  expect((await meters('list')).stdout).toMatch(
    /gpu_seconds +second +gpu +sum +\$\.seconds +declared, counting back/,
  );
  expect((await meters('list', '--json')).json()).toHaveLength(BUILT_IN_METERS.length + 1);
  expect((await meters('show', 'gpu_seconds', '--json')).json()).toMatchObject({
    slug: 'gpu_seconds',
    groupBy: { model: '$.model', zone: '$["a=b"]' },
    countingBack: true,
  });
  const twice = await meters(
    'create',
    'gpu_seconds',
    '--event-type',
    'x',
    '--aggregation',
    'count',
  );
  expect(twice).toMatchObject({ exitCode: 1 });
  expect(twice.stderr).toContain('there is a meter gpu_seconds already');

  await pool.query(
    `insert into unattributed_usage (organization, project, meter_id, hour, sum, count)
     select 'acme', 'web', id, '2026-11-05Z', 1, 1 from meters where slug = 'gpu_seconds'`,
  );
  expect((await meters('delete', 'gpu_seconds')).stderr).toContain('usage was counted by it');
  await pool.query('delete from unattributed_usage');
  expect((await meters('delete', 'gpu_seconds')).stdout).toBe('Meter gpu_seconds is deleted.\n');
  expect((await meters('show', 'gpu_seconds')).stderr).toContain('there is no meter gpu_seconds');
  const { rows } = await pool.query<{ action: string }>(
    "select action from audit_log where subject = 'gpu_seconds' order by id",
  );
  expect(rows.map(({ action }) => action)).toEqual(['meter.create', 'meter.delete']);
});

test('what is wrong with a meter is said in its words, and a built-in one stays', async () => {
  const wrong = await meters('create', '7', '--event-type', 'gpu', '--aggregation', 'sum');
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('slug: should not be a number');
  expect(wrong.stderr).toContain('valueProperty: is missing; sum needs to know');
  expect((await meters('delete', 'logins')).stderr).toContain('is built in');
});
