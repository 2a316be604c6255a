import { createPool } from '@odometer/database/pool';
import { monthEnd, monthStart, toTimestamp } from '@odometer/domain/period';
import { JobQueue, type StoredJob } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { type OdometerRun, runOdometer } from '@odometer/testing/run-odometer';
import { createTestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

const RUNNING_MS = monthStart(Date.now());
const LAST_MS = monthStart(RUNNING_MS - 1);
/** The month before the last one: its grace is over on every day of the year. */
export const DUE_MS = monthStart(LAST_MS - 1);

export const monthOf = (ms: number): string => toTimestamp(ms).slice(0, 7);
export const DUE = monthOf(DUE_MS);
export const RUNNING = monthOf(RUNNING_MS);
/** A day of the due month. */
export const DUE_DAY = `${DUE}-10`;

/**
 * Two months of usage as appliers leave it, for two organizations: acme with a plan, a gauge and late usage, zeta with
 * nothing but usage. A third, newcomer, came an hour ago with usage of the due month, so that its grace is not over.
 */
export async function openClosing() {
  const [database, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  const pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 2 },
    () => {},
  );
  const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
  const insertUsage = (project: string, meter: string, hour: string, value: number) =>
    pool.query(
      `with of as (
         select p.id as project, p.organization_id as organization, m.id as meter, m.kind, m.event_type as type
         from projects p join organizations o on o.id = p.organization_id, meters m
         where o.slug || '/' || p.slug = $1 and m.slug = $2
       ), hours as (
         insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at)
         select project, meter, $3, organization, $4, 1, $4, $4, $4, $3 from of
       ), events as (
         insert into events (time, key, organization_id, project_id, source, id, type, subject, data, time_given, ingested_at)
         select $3, gen_random_uuid(), organization, project, 'test', gen_random_uuid(), type, $1,
           jsonb_build_object('value', $4::numeric), true, now()
         from of where type is not null
       ), readings as (
         insert into gauge_readings (project_id, meter_id, at, organization_id, value)
         select project, meter, $3, organization, $4 from of where kind = 'gauge'
       ), days as (
         insert into changed_days (project_id, day, round)
         select project, ($3::timestamptz at time zone 'UTC')::date, 0 from of on conflict do nothing
       )
       insert into usage_monthly as t
         (project_id, meter_id, month, organization_id, sum, count, min, max, last, last_at)
       select project, meter, date_trunc('month', $3::timestamptz, 'UTC'), organization, $4, 1, $4, $4, $4, $3 from of
       on conflict (project_id, meter_id, month) do update
       set sum = t.sum + excluded.sum, count = t.count + 1, min = least(t.min, excluded.min),
         max = greatest(t.max, excluded.max), last = excluded.last, last_at = excluded.last_at`,
      [project, meter, hour, value],
    );

  await pool.query('select create_month_partitions($1, $2)', [
    toTimestamp(DUE_MS),
    toTimestamp(monthEnd(RUNNING_MS)),
  ]);
  await pool.query(
    `with o as (
       insert into organizations (slug, created_at)
       values ('acme', $1), ('zeta', $1), ('newcomer', now() - interval '1 hour')
       returning id, slug, created_at
     ), p as (
       insert into plans (slug, version, currency, valid_from) values ('pro', 1, 'EUR', '2020-01-01') returning id
     ), l as (
       insert into plan_limits (plan_id, resource, scope, included, price_per_unit)
       select id, v.* from p cross join (values
         ('api_calls', 'project', 2::numeric, 3::numeric), ('storage_bytes', 'project', 100, 0.5),
         ('api_calls', 'organization', 5, 1), ('projects', 'organization', 1, null)
       ) as v
     ), a as (
       insert into organization_plans (organization_id, since, plan) select id, '2020-01-01', 'pro' from o where slug = 'acme'
     )
     insert into projects (organization_id, slug, created_at)
     select id, 'web', created_at from o
     union all select id, 'app', created_at from o where slug = 'acme'`,
    [toTimestamp(DUE_MS)],
  );
  for (const project of ['acme/web', 'zeta/web', 'newcomer/web']) {
    await insertUsage(project, 'api_calls', `${DUE_DAY}T10:00:00Z`, 5);
    await insertUsage(project, 'api_calls', `${DUE}-11T10:00:00Z`, 6);
  }
  await insertUsage('acme/web', 'storage_bytes', `${DUE_DAY}T10:00:00Z`, 1_000);
  await insertUsage('acme/web', 'api_calls', toTimestamp(RUNNING_MS), 7);
  await pool.query(
    `insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
     select p.organization_id, p.id, m.id, $1::timestamptz - interval '1 hour', v.month, v.sum, 1
     from projects p join organizations o on o.id = p.organization_id,
       meters m, (values ($1::timestamptz, 4), ($2::timestamptz, 9)) as v (month, sum)
     where o.slug = 'acme' and p.slug = 'web' and m.slug = 'api_calls'`,
    [toTimestamp(DUE_MS), toTimestamp(RUNNING_MS)],
  );
  await pool.query(
    `insert into dead_letters (queue, job_id, job_name, payload, reason, attempts, items, failed_at, organizations, accepted_at)
     values ('events', 'e.1', 'event', '{}', 'no', 1, 1, $1, '{zeta}', $1)`,
    [`${DUE}-28T00:00:00Z`],
  );

  const producer = createProducerRedis({ url: redis.url });
  const periods = new JobQueue('periods', producer);

  return {
    pool,
    env,
    redis,
    /** The jobs that wait for a worker, the next one first. */
    async waitingJobs(): Promise<readonly (StoredJob<'periods'> | undefined)[]> {
      const ids = await periods.run((connection) => connection.lrange(periods.key('wait'), 0, -1));
      return Promise.all(ids.reverse().map((id) => periods.get(id)));
    },
    odometer: (...args: string[]): Promise<OdometerRun> => runOdometer(args, env),
    /** Everything in every table, to compare with later. */
    async contents(): Promise<Readonly<Record<string, string>>> {
      const { rows } = await pool.query<{ name: string }>(
        `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by 1`,
      );
      const contents: Record<string, string> = {};
      for (const { name } of rows) {
        const found = await pool.query<{ text: string }>(
          `select coalesce(string_agg(t::text, e'\\n' order by t::text), '') as text from ${name} t`,
        );
        contents[name] = found.rows[0]?.text ?? '';
      }
      return contents;
    },
    async close() {
      await periods.stop();
      producer.disconnect();
      await pool.end();
      await Promise.all([database.drop(), redis.stop()]);
    },
  };
}
