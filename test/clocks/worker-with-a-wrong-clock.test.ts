import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { batchJobId } from '@odometer/domain/batch';
import { hourStart, monthStart } from '@odometer/domain/period';
import type { CountBatch, EventBatch } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { startTestRedis } from '@odometer/testing/test-redis';
import {
  event,
  hourlySums,
  openAppliers,
  Producer,
} from '../../services/stats-worker/test/applier-fixture.ts';
import { declareBucket, stored } from '../../services/stats-worker/test/object-fixture.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEADLINE_MS = 120_000;
const STORED_HOURS_AGO = 5;
const HOOK = new URL('../harness/shifted-clock.mjs', import.meta.url).href;

let system: Awaited<ReturnType<typeof openAppliers>>;
let redis: Awaited<ReturnType<typeof startTestRedis>>;
let connection: ReturnType<typeof createProducerRedis>;
let workers: SpawnedService[];

/** A bucket with 1,000 bytes for five hours, and an organization that was there in the month before. */
beforeEach(async () => {
  workers = [];
  redis = await startTestRedis();
  connection = createProducerRedis({ url: redis.url });
  await waitUntilReady(connection);
  system = await openAppliers();
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', now() - interval '40 days') returning id)
     insert into projects (organization_id, slug, created_at) select id, 'web', now() - interval '40 days' from o`,
  );
  await declareBucket(system.pool);
  const startMs = hourStart(Date.now()) - STORED_HOURS_AGO * HOUR_MS;
  await system.pool.query('update storage_settlement set settled_through = $1', [
    new Date(startMs),
  ]);
  const producer = await new Producer(system.pool, 'objects').open();
  await system.objects.apply([
    producer.objects(stored('acme/web/a', 1_000, 'A1', { atMs: startMs })),
  ]);
}, DEADLINE_MS);
afterEach(async () => {
  for (const worker of workers ?? []) await worker.kill();
  connection?.disconnect();
  await system?.close();
  await redis?.stop();
}, DEADLINE_MS);

for (const days of [3, 13, 40, -40]) {
  test(
    `a worker whose clock is ${days} days from now ends no hour, day or month, and all count on exactly`,
    async () => {
      const lastMonthMs = monthStart(monthStart(Date.now()) - 1);
      // One that is behind finds nothing to close, and may hear all bells.
      if (days < 0) await startHealthyWorker(lastMonthMs);
      const wrong = await startWorker(days * DAY_MS);
      const queues = {
        periods: new JobQueue('periods', connection),
        events: new JobQueue('events', connection),
        counts: new JobQueue('counts', connection),
      };
      // What an operator whose clock is wrong as well would ask for.
      const nowMs = Date.now();
      const month = new Date(nowMs).toISOString().slice(0, 7);
      const today = new Date(nowMs).toISOString().slice(0, 10);
      await queues.periods.add('close-month', { month, part: 0 }, 'asked.close.1');
      await queues.periods.add('snapshot', { date: today }, 'asked.snapshot.1');
      await queues.periods.add('due', { bell: 'hourly' }, 'due.asked.1');
      await eventually(
        async () => (await queues.periods.depth()).waiting === 0 && (await bells()).length === 2,
        { deadlineMs: 60_000 },
      );
      expect(await endedTooEarly()).toEqual([]);
      expect(await wrong.metric('odometer_clock_ahead_seconds')).toBeCloseTo(days * 86_400, -2);
      expect(wrong.events()).toContainEqual(expect.objectContaining({ event: 'clock_apart' }));

      if (days > 0) await startHealthyWorker(lastMonthMs);
      const send = await sender(queues);
      for (let i = 0; i < 40; i += 1) await send(lastMonthMs);
      await eventually(async () => (await applied()) === 121, { deadlineMs: 60_000 });

      expect(await endedTooEarly()).toEqual([]);
      expect(await hourlySums(system.pool)).toEqual({
        'acme/web api_calls': '40',
        'acme/web mqtt_inbound': '80',
        'acme/web mqtt_inbound_bytes': '80',
        'acme/web mqtt_inbound_units': '80',
        ...(await storedSums()),
      });
      const late = await system.pool.query(
        'select billed_month, sum(sum)::int as sum from usage_adjustments where meter_id = 7 group by 1',
      );
      expect(late.rows).toEqual([{ billed_month: new Date(monthStart(nowMs)), sum: 40 }]);
      for (const worker of workers) expect(worker.log()).not.toContain('clock_behind');
    },
    DEADLINE_MS,
  );
}

async function startWorker(aheadMs: number): Promise<SpawnedService> {
  const worker = await spawnService('stats-worker', {
    DATABASE_URL: system.url,
    REDIS_URL: redis.url,
    ODOMETER_INSTANCE: `stats-worker-${workers.length}`,
    ODOMETER_CLOSE_GRACE_HOURS: '0',
    ...(aheadMs === 0 ? {} : { NODE_OPTIONS: `--import ${HOOK}`, CLOCK_AHEAD_MS: String(aheadMs) }),
  });
  workers.push(worker);
  await worker.ready(60_000);
  return worker;
}

/** Starts one, and waits until the last month is closed. */
async function startHealthyWorker(lastMonthMs: number): Promise<void> {
  await startWorker(0);
  await eventually(async () => (await finalMonths()).includes(lastMonthMs), {
    deadlineMs: 60_000,
  });
}

/** @returns what sends an event of now, a late one, and messages; half of these under an hour that is to come. */
async function sender(queues: {
  readonly events: JobQueue<'events'>;
  readonly counts: JobQueue<'counts'>;
}) {
  const events = await new Producer(system.pool, 'events').open();
  const counts = await new Producer(system.pool, 'mqtt').open();
  const addEvents = (batch: EventBatch) =>
    queues.events.add('event-batch', batch, batchJobId(batch));
  const addCounts = (batch: CountBatch) =>
    queues.counts.add('count-batch', batch, batchJobId(batch));
  return async (lateMs: number): Promise<void> => {
    const time = new Date().toISOString();
    await addEvents(
      events.events(event({ time }), event({ time: new Date(lateMs).toISOString() })),
    );
    for (const aheadMs of [0, 13 * DAY_MS]) {
      const hourMs = hourStart(Date.now() + aheadMs);
      await addCounts(counts.counts([['acme', 'web', 'd1', 1, 1, 1, 0, 0, 0]], null, hourMs));
    }
  };
}

async function strings(sql: string): Promise<readonly string[]> {
  const { rows } = await system.pool.query<{ found: string }>(sql);
  return rows.map(({ found }) => found);
}

/** Everything that says of an hour, a day or a month that it has ended, or has usage, while it has not begun or goes on. */
function endedTooEarly(): Promise<readonly string[]> {
  return strings(
    `with clock as (
       select clock_timestamp() as now, (clock_timestamp() at time zone 'UTC')::date as today,
         date_trunc('month', clock_timestamp(), 'UTC') as month
     )
     select 'settled through ' || settled_through as found from storage_settlement, clock where settled_through > now
     union all select 'byte-hours of ' || hour from usage_hourly, clock
       where meter_id = 23 and hour + interval '1 hour' > now
     union all select 'usage of ' || hour from usage_hourly, clock where hour > now
     union all select 'a reading of ' || at from gauge_readings, clock where at > now
     union all select 'a snapshot of ' || day from snapshots, clock where day >= today
     union all select 'day ' || day from usage_daily, clock where day > today
     union all select 'a ' || state || ' of ' || p.month from periods p, clock where p.month >= clock.month
     union all select 'drafted ' || d.month from drafted_months d, clock where d.month >= clock.month
     union all select 'billed in ' || billed_month from usage_adjustments, clock where billed_month > clock.month
     union all select 'a device that is first seen at ' || first_seen_at from devices, clock where first_seen_at > now
     union all select 'a bell at ' || succeeded_at from schedule_runs, clock where succeeded_at > now`,
  );
}

function bells(): Promise<readonly string[]> {
  return strings('select schedule as found from schedule_runs');
}

async function finalMonths(): Promise<readonly number[]> {
  const { rows } = await system.pool.query<{ month: Date }>(
    "select month from periods where state = 'final'",
  );
  return rows.map(({ month }) => month.getTime());
}

async function applied(): Promise<number> {
  const { rows } = await system.pool.query<{ applied: number }>(
    'select count(*)::int as applied from applied_batches',
  );
  return rows[0]?.applied ?? 0;
}

/** What 1,000 bytes come to up to where they are settled, and their last reading. */
async function storedSums(): Promise<Record<string, string>> {
  const { rows } = await system.pool.query<{ hours: number; readings: number }>(
    `select ($1 - extract(epoch from date_trunc('hour', now(), 'UTC') - settled_through) / 3600)::int as hours,
       (select count(*)::int from gauge_readings where meter_id = 16) as readings
     from storage_settlement`,
    [STORED_HOURS_AGO],
  );
  const { hours = 0, readings = 0 } = rows[0] ?? {};
  expect(hours).toBeGreaterThanOrEqual(STORED_HOURS_AGO - 1);
  expect(readings).toBe(1);
  return {
    'acme/web s3_byte_hours': String(1_000 * hours),
    'acme/web s3_object_count': '1',
    'acme/web s3_storage_bytes': '1000',
    'acme/web storage_bytes': '1000',
  };
}
