import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { storeDeadLetter } from '@odometer/database/dead-letters';
import { recordScheduleRun } from '@odometer/database/maintenance/schedule-runs';
import { createPool } from '@odometer/database/pool';
import { QUEUE_PREFIX } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

/** Whole processes, as they run in production: what a kill does cannot be seen from inside. */

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
let running: SpawnedService[];
beforeEach(async () => {
  database = await createTestDatabase();
  server = await startTestRedis();
  redis = createProducerRedis({ url: server.url });
  await waitUntilReady(redis);
  running = [];
});
afterEach(async () => {
  for (const service of running) await service.kill();
  redis.disconnect();
  await server.stop();
  await database.drop();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<SpawnedService> {
  const service = await spawnService('scheduler', {
    DATABASE_URL: database.url,
    REDIS_URL: server.url,
    ...env,
  });
  running.push(service);
  return service;
}

/** Each bell with the instant at which it rings next. */
async function bells(): Promise<Readonly<Record<string, string>>> {
  const flat = await redis.zrange(`${QUEUE_PREFIX}:periods:repeat`, 0, '-1', 'WITHSCORES');
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return Object.fromEntries(pairs);
}

/** When the bells ring next, by the calendar. */
function expectedBells(): Readonly<Record<string, string>> {
  const now = new Date();
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  // At minutes 5, 15 … 55.
  const tenth = 600_000;
  const measure = Math.floor((now.getTime() - tenth / 2) / tenth + 1) * tenth + tenth / 2;
  return {
    measure: String(measure),
    hourly: String(Date.UTC(year, month, day, now.getUTCHours() + 1)),
    daily: String(Date.UTC(year, month, day + 1)),
    monthly: String(Date.UTC(year, month + 1, 1)),
  };
}

const isOwner = async (service: SpawnedService): Promise<boolean> =>
  (await service.metric('odometer_scheduler_owner')) === 1;
const ownersOf = async (services: readonly SpawnedService[]): Promise<number> =>
  (await Promise.all(services.map(isOwner))).filter(Boolean).length;

test('two replicas are both ready, hang one set of bells, and when the owner is killed the other takes over', async () => {
  const services = [await start(), await start()];
  await Promise.all(services.map((service) => service.ready()));
  await eventually(async () => expect(await bells()).toEqual(expectedBells()));
  expect(await ownersOf(services)).toBe(1);
  const isFirst = await isOwner(services[0] as SpawnedService);
  const [owner, standby] = (isFirst ? services : services.toReversed()) as [
    SpawnedService,
    SpawnedService,
  ];
  expect(await standby.isReady()).toBe(true);
  expect(await standby.metric('odometer_scheduler_bells')).toBeUndefined();

  const before = await bells();
  await owner.kill();
  await eventually(() => isOwner(standby));
  await eventually(async () => (await standby.metric('odometer_scheduler_bells')) === 4);
  expect(await standby.metric('odometer_scheduler_bell_changes_total{change="put"}')).toBe(0);
  expect(await bells()).toEqual(before);
});

test('a restart leaves the bells and their next time untouched; what Redis has lost hangs again', async () => {
  const first = await start();
  await first.ready();
  await eventually(async () => expect(Object.keys(await bells())).toHaveLength(4));
  const jobs = (await redis.keys('*:repeat:*:*')).sort();
  expect((await first.kill('SIGTERM')).code).toBe(0);

  const second = await start();
  await second.ready();
  await eventually(async () => (await second.metric('odometer_scheduler_bells')) === 4);
  expect((await redis.keys('*:repeat:*:*')).sort()).toEqual(jobs);
  expect(await second.metric('odometer_scheduler_bell_changes_total{change="put"}')).toBe(0);

  await redis.flushall();
  await eventually(async () => expect(await bells()).toEqual(expectedBells()));
  expect(await second.metric('odometer_scheduler_bell_changes_total{change="put"}')).toBe(4);
});

test('shows when each bell was last answered, and of nothing that is no bell', async () => {
  const pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 1 },
    () => {},
  );
  await recordScheduleRun(pool, 'hourly', 1_700_000_000_000);
  await recordScheduleRun(pool, 'start', 1_700_000_000_000);
  await pool.end();
  const service = await start();
  await service.ready();
  const series = (schedule: string) =>
    service.metric(`odometer_scheduler_last_success_timestamp_seconds{schedule="${schedule}"}`);
  await eventually(async () => (await series('hourly')) === 1_700_000_000);
  expect([await series('daily'), await series('start')]).toEqual([undefined, undefined]);
});

test('shows what waits while no worker is there, and goes on being scraped while Redis is away', async () => {
  const pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 1 },
    () => {},
  );
  await storeDeadLetter(pool, {
    queue: 'counts',
    jobId: 'a',
    jobName: 'count-batch',
    payload: '{}',
    reason: 'poison',
    attempts: 1,
    epoch: null,
    seq: null,
    items: 1,
    organizations: [],
    acceptedAtMs: null,
    failedAtMs: 1_700_000_000_000,
  });
  await pool.end();
  const queue = new JobQueue('registry', redis);
  await queue.add('attribute-usage', { organization: 'a', project: 'b' }, 'a.b');
  await queue.stop();

  const service = await start();
  await service.ready();
  await eventually(
    async () =>
      (await service.metric('odometer_queue_jobs{queue="registry",state="waiting"}')) === 1,
  );
  expect(
    await service.metric('odometer_queue_oldest_job_age_seconds{queue="registry"}'),
  ).toBeGreaterThan(0);
  expect(await service.metric('odometer_queue_jobs{queue="events",state="waiting"}')).toBe(0);
  await eventually(
    async () => (await service.metric('odometer_dead_letters{queue="counts"}')) === 1,
  );
  expect(
    await service.metric('odometer_dead_letter_oldest_timestamp_seconds{queue="counts"}'),
  ).toBe(1_700_000_000);
  expect(await service.metric('odometer_redis_reachable')).toBe(1);
  expect(await service.metric('odometer_redis_appending')).toBe(1);

  await server.stop();
  await eventually(
    async () =>
      (await service.metric('odometer_queue_jobs{queue="registry",state="waiting"}')) === undefined,
  );
  expect(await service.metric('odometer_dead_letters{queue="counts"}')).toBe(1);
  await server.start();
  await eventually(
    async () =>
      (await service.metric('odometer_queue_jobs{queue="registry",state="waiting"}')) === 1,
  );
});

test('refuses a Redis that could lose what it holds', async () => {
  await redis.config('SET', 'appendfsync', 'everysec');
  const service = await start();
  expect((await service.exit).code).toBe(1);
  expect(service.log()).toContain('appendfsync is everysec, not always');
});
