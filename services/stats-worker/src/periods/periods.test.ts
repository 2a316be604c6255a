import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { event, openAppliers, Producer } from '../../test/applier-fixture.ts';
import { closeDueMonths } from './close-due-months.ts';
import { recordReadings } from './record-readings.ts';
import { refreshDays } from './refresh-days.ts';
import { takeSnapshot, takeSnapshots } from './take-snapshots.ts';

const GRACE_MS = 72 * 3_600_000;
const signal = new AbortController().signal;
let nowMs = 0;
let system: Awaited<ReturnType<typeof openAppliers>>;

beforeEach(async () => {
  nowMs = Date.parse('2026-08-15T12:00:00Z');
  system = await openAppliers({}, () => nowMs);
  // Discovery stamps the real time; the registry of these tests is older than their clock.
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', '2026-08-01'), ('zeta', '2026-08-01') returning id)
     insert into projects (organization_id, slug, created_at) select id, 'web', '2026-08-01' from o`,
  );
});
afterEach(() => system.close());

const events = async (producer: Producer, ...changes: Parameters<typeof event>[0][]) =>
  system.events.apply([producer.events(...changes.map((change) => event(change)))]);
const close = (at: string) => {
  nowMs = Date.parse(at);
  return closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: GRACE_MS }, nowMs, signal);
};
const one = async <Row>(sql: string): Promise<Row | undefined> =>
  (await system.pool.query(sql)).rows[0] as Row | undefined;

test('a month goes from open over draft to final, and late usage becomes an adjustment of the open month', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await events(producer, { time: '2026-08-15T10:00:00Z', data: { value: 5 } });
  expect(await one('select 1 from periods')).toBeUndefined();

  await close('2026-09-01T00:00:00Z');
  expect(await one("select distinct state from periods where month = '2026-08-01'")).toEqual({
    state: 'draft',
  });
  await events(producer, { time: '2026-08-31T23:59:59Z', data: { value: 2 } });

  await close('2026-09-04T00:00:00Z');
  expect(
    await one(
      `select count(*)::int, min(state) as state, bool_and(manifest is not null) as manifest from periods
       where month = '2026-08-01'`,
    ),
  ).toEqual({ count: 2, state: 'final', manifest: true });

  await events(
    producer,
    { time: '2026-08-20T10:00:00Z', data: { value: 11 } },
    { time: '2026-09-03T10:00:00Z', data: { value: 1 } },
  );
  expect(
    await one(
      `select sum::text, hour::text, billed_month::text, (select slug from meters where id = meter_id) as meter
       from usage_adjustments`,
    ),
  ).toEqual({
    sum: '11',
    hour: '2026-08-20 10:00:00+00',
    billed_month: '2026-09-01 00:00:00+00',
    meter: 'api_calls',
  });
  expect(
    await one(
      `select api_calls::text, lifetime_api_calls::text, state from monthly_stats s join projects p on p.id = s.project_id
       join organizations o on o.id = p.organization_id where o.slug = 'acme' and year = 2026 and month = 8`,
    ),
  ).toEqual({ api_calls: '7', lifetime_api_calls: '7', state: 'final' });
  expect(
    await one(
      `select api_calls::text, lifetime_api_calls::text, state from monthly_stats s join projects p on p.id = s.project_id
       join organizations o on o.id = p.organization_id where o.slug = 'acme' and year = 2026 and month = 9`,
    ),
  ).toEqual({ api_calls: '1', lifetime_api_calls: '19', state: 'open' });
});

test('a final month refuses every change of its rows, its days and its hours', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await events(producer, { time: '2026-08-15T10:00:00Z', data: { value: 5 } });
  await recordReadings(system.parts, [
    {
      projectId: '1',
      organizationId: '1',
      meterId: 15,
      at: '2026-08-02T00:00:00.000Z',
      value: '1',
    },
  ]);
  await takeSnapshots(system.pool, Date.parse('2026-09-02T00:00:00Z'), signal);
  await close('2026-09-05T00:00:00Z');
  await events(producer, { time: '2026-09-05T00:00:00Z' });
  for (const sql of [
    'update usage_monthly set sum = sum + 1',
    'delete from usage_monthly',
    `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
     select project_id, 9, month, organization_id, 1, 1 from usage_monthly where final limit 1`,
    'update usage_hourly set sum = sum + 1',
    'delete from usage_hourly_2026_08',
    'update usage_daily set sum = sum + 1',
    'update project_months set overage_charge = 1',
    'delete from project_months',
    "update periods set state = 'closing', final_at = null, final_act = null, manifest = null",
    // Out of a final month is no better than in one.
    `update periods set month = '2020-01-01Z', state = 'draft', manifest = null, closing_at = null, final_at = null,
       closing_act = null, final_act = null`,
    "update usage_monthly set month = '2020-01-01Z', final = false",
    'update usage_monthly set organization_id = 999',
    'update usage_hourly set organization_id = 999, sum = 77',
    'update usage_daily set organization_id = 999',
    "update project_months set month = '2020-01-01Z'",
    'update project_months set organization_id = 999, overage_charge = 0',
    "update usage_monthly set month = '2026-08-01Z' where month = '2026-09-01Z'",
    'update gauge_readings set value = value + 1',
    'delete from gauge_readings',
    'delete from periods',
    `insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
     select organization_id, project_id, meter_id, '2026-07-01', month, 1, 1 from usage_monthly`,
  ]) {
    await expect(system.pool.query(sql)).rejects.toThrow('is final and never changes');
  }
  for (const table of [
    'usage_monthly',
    'project_months',
    'periods',
    'usage_hourly_2026_08',
    'usage_daily_2026_08',
  ]) {
    await expect(system.pool.query(`truncate ${table}`)).rejects.toThrow('final');
  }
});

test('one organization’s trouble holds nobody else’s close, and is told', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await events(
    producer,
    { time: '2026-08-15T10:00:00Z' },
    { organization: 'zeta', subject: 'zeta/web', time: '2026-08-15T10:00:00Z' },
  );
  await system.pool.query(
    `insert into dead_letters (queue, job_id, job_name, payload, reason, attempts, items, failed_at, organizations, accepted_at)
     values ('events', 'e.1', 'event', '{}', 'no', 1, 1, '2026-09-02', '{acme}', '2026-08-31T23:00:00Z')`,
  );
  // Somebody has edited a row of zeta; what does not add up is never frozen.
  await close('2026-09-05T00:00:00Z');
  const state = `select f.state, f.held_up_by from periods f join organizations o on o.id = f.organization_id
    where f.month = '2026-08-01' and o.slug =`;
  expect(await one(`${state} 'zeta'`)).toEqual({ state: 'final', held_up_by: [] });
  expect(await one(`${state} 'acme'`)).toEqual({
    state: 'draft',
    held_up_by: ["1 dead letter(s) from before the month's end; retry them, or force the close"],
  });

  await system.pool.query(
    `update periods set forced_by = 'ops', forced_reason = 'the letter is a test'
     where state = 'draft' and month = '2026-08-01'`,
  );
  await close('2026-09-05T01:00:00Z');
  expect((await one<{ state: string }>(`${state} 'acme'`))?.state).toBe('final');
});

test('a month that is not the sum of its hours is not closed until it is', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await events(producer, { time: '2026-08-15T10:00:00Z', data: { value: 5 } });
  await system.pool.query('update usage_monthly set sum = 6');
  const [held] = await close('2026-09-05T00:00:00Z');
  expect(held?.discrepancies).toMatchObject([
    { project: 'acme/web', meter: 'api_calls', hours: '5', month: '6' },
  ]);
  expect(await one("select state, held_up_by from periods where held_up_by <> '{}'")).toEqual({
    state: 'closing',
    held_up_by: ['acme/web api_calls: hours 5, days 5, month 6'],
  });
  await system.pool.query('update usage_monthly set sum = 5');
  await close('2026-09-05T01:00:00Z');
  expect(await one("select count(*)::int from periods where state = 'final'")).toEqual({
    count: 2,
  });
});

test('days follow their hours, late or not, and every project has its row', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  const day = (date: string) =>
    one(
      `select sum(api_calls)::text as calls, count(*)::int as rows from daily_stats where date = '${date}'`,
    );
  await events(producer, { time: '2026-08-14T10:00:00Z', data: { value: 5 } });
  // Exact already while the refresh is still to come.
  expect(await day('2026-08-14')).toEqual({ calls: '5', rows: 2 });
  nowMs = Date.parse('2026-08-16T00:00:00Z');
  await takeSnapshots(system.pool, nowMs, signal);
  expect(await one('select sum(sum)::text as sum from usage_daily where meter_id = 7')).toEqual({
    sum: '5',
  });
  await events(producer, { time: '2026-08-14T11:00:00Z', data: { value: 2 } });
  expect(await day('2026-08-14')).toEqual({ calls: '7', rows: 2 });
  expect(await refreshDays(system.pool, signal)).toBe(1);
  expect(await refreshDays(system.pool, signal)).toBe(0);
  expect(await one('select sum(sum)::text as sum from usage_daily where meter_id = 7')).toEqual({
    sum: '7',
  });
  expect(await day('2026-08-14')).toEqual({ calls: '7', rows: 2 });
  expect(await one('select count(*)::int from snapshots where taken_at is not null')).toEqual({
    count: 15,
  });
});

test('gauges: a missed reading is carried, a late one corrects the days after it, averages are weighted by time', async () => {
  const { id, organization } = (await one<{ id: string; organization: string }>(
    "select p.id, p.organization_id as organization from projects p join organizations o on o.id = p.organization_id where o.slug = 'acme'",
  )) ?? { id: '', organization: '' };
  const read = (at: string, value: string) =>
    recordReadings(system.parts, [
      { projectId: id, organizationId: organization, meterId: 15, at, value },
    ]);
  await read('2026-08-02T00:00:00.000Z', '100');
  await read('2026-08-02T00:00:00.000Z', '100');
  await takeSnapshots(system.pool, Date.parse('2026-08-11T00:00:00Z'), signal);
  const storage = () =>
    system.pool
      .query(
        `select array_agg(storage_bytes::text order by date) as levels from daily_stats
         where project_id = ${id} and date between '2026-08-01' and '2026-08-06'`,
      )
      .then(({ rows }) => rows[0].levels);
  expect(await storage()).toEqual(['0', '100', '100', '100', '100', '100']);
  await read('2026-08-04T12:00:00.000Z', '300');
  await refreshDays(system.pool, signal);
  expect(await storage()).toEqual(['0', '100', '100', '300', '300', '300']);

  await close('2026-09-05T00:00:00Z');
  // 2.5 days at 100, 27.5 at 300, of 31.
  expect(
    await one(
      `select peak_storage_bytes::text as peak, round(average_storage_bytes, 3)::text as average from monthly_stats
       where project_id = ${id} and year = 2026 and month = 8`,
    ),
  ).toEqual({ peak: '300', average: '274.194' });
  await close('2026-10-05T00:00:00Z');
  expect(
    await one(
      `select peak_storage_bytes::text as peak, average_storage_bytes::text as average from monthly_stats
       where project_id = ${id} and year = 2026 and month = 9`,
    ),
  ).toEqual({ peak: '300', average: '300.000000' });
});

test('a day that waits for its refresh keeps the gauges that were carried into it', async () => {
  const { id, organization } = (await one<{ id: string; organization: string }>(
    "select p.id, p.organization_id as organization from projects p join organizations o on o.id = p.organization_id where o.slug = 'acme'",
  )) ?? { id: '', organization: '' };
  await recordReadings(system.parts, [
    {
      projectId: id,
      organizationId: organization,
      meterId: 15,
      at: '2026-08-02T00:00:00.000Z',
      value: '100',
    },
  ]);
  await takeSnapshots(system.pool, Date.parse('2026-08-11T00:00:00Z'), signal);
  const producer = await new Producer(system.pool, 'events').open();
  await events(producer, { time: '2026-08-05T10:00:00Z', data: { value: 5 } });
  expect(
    await one(
      `select storage_bytes::text as storage, api_calls::text as calls from daily_stats
       where project_id = ${id} and date = '2026-08-05'`,
    ),
  ).toEqual({ storage: '100', calls: '5' });
});

test('a project that is archived has no peak, and no storage today', async () => {
  const { id, organization } = (await one<{ id: string; organization: string }>(
    "select p.id, p.organization_id as organization from projects p join organizations o on o.id = p.organization_id where o.slug = 'acme'",
  )) ?? { id: '', organization: '' };
  await recordReadings(system.parts, [
    {
      projectId: id,
      organizationId: organization,
      meterId: 15,
      at: '2026-08-10T00:00:00.000Z',
      value: '100',
    },
  ]);
  await system.pool.query("update projects set archived_at = '2026-08-20' where id = $1", [id]);
  await close('2026-09-05T00:00:00Z');
  const producer = await new Producer(system.pool, 'events').open();
  await events(producer, { time: '2026-09-02T10:00:00Z', data: { value: 5 } });
  await close('2026-10-05T00:00:00Z');
  expect(
    (
      await system.pool.query(
        `select peak_storage_bytes::text as peak, average_storage_bytes::text as average from monthly_stats
         where project_id = ${id} and year = 2026 and month in (8, 9) order by month`,
      )
    ).rows,
  ).toEqual([
    { peak: '100', average: '32.258065' },
    { peak: '0', average: '0.000000' },
  ]);
  expect(
    await one(
      `select storage_bytes::text as storage from organization_daily_stats
       where organization_id = ${organization} and date = '2026-10-05'`,
    ),
  ).toEqual({ storage: '0' });
});

test('gauges are carried through days whose snapshots were taken in any order', async () => {
  const { id, organization } = (await one<{ id: string; organization: string }>(
    "select p.id, p.organization_id as organization from projects p join organizations o on o.id = p.organization_id where o.slug = 'acme'",
  )) ?? { id: '', organization: '' };
  await recordReadings(system.parts, [
    {
      projectId: id,
      organizationId: organization,
      meterId: 15,
      at: '2026-08-02T00:00:00.000Z',
      value: '100',
    },
  ]);
  await takeSnapshot(system.pool, '2026-08-06', nowMs, signal);
  await takeSnapshots(system.pool, Date.parse('2026-08-11T00:00:00Z'), signal);
  await refreshDays(system.pool, signal);
  expect(
    await one(
      `select array_agg(storage_bytes::text order by date) as levels from daily_stats
       where project_id = ${id} and date between '2026-08-01' and '2026-08-10'`,
    ),
  ).toEqual({ levels: ['0', ...Array.from({ length: 9 }, () => '100')] });
});

test('late usage of an archived project is billed like any other', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await events(producer, { time: '2026-08-15T10:00:00Z', data: { value: 5 } });
  await close('2026-09-05T00:00:00Z');
  await system.pool.query("update projects set archived_at = '2026-09-10' where id = 1");
  await system.pool.query(
    "update organizations set archived_at = '2026-09-10' where slug = 'acme'",
  );
  await close('2026-10-05T00:00:00Z');
  await events(producer, { time: '2026-08-16T10:00:00Z', data: { value: 7 } });
  await close('2026-11-05T00:00:00Z');
  expect(
    await one(
      `select s.lifetime_api_calls::text as lifetime, s.state, x.final
       from monthly_stats s join project_months x on x.project_id = s.project_id and x.month = '2026-10-01'
       join organizations o on o.id = s.organization_id
       where o.slug = 'acme' and s.year = 2026 and s.month = 10`,
    ),
  ).toEqual({ lifetime: '12', state: 'final', final: true });
});

test('readings that come one by one are carried to the month’s end by a close that waits for no refresh', async () => {
  await takeSnapshots(system.pool, Date.parse('2026-09-01T00:00:00Z'), signal);
  for (const [at, value] of [
    ['2026-08-05T00:00:00.000Z', '1000'],
    ['2026-08-20T00:00:00.000Z', '3000'],
  ] as const) {
    await recordReadings(system.parts, [
      { projectId: '1', organizationId: '1', meterId: 15, at, value },
    ]);
  }
  await close('2026-09-05T00:00:00Z');
  const levels = await one<{ levels: string[] }>(
    `select array_agg(storage_bytes::text order by date) as levels from daily_stats
     where project_id = 1 and date in ('2026-08-04', '2026-08-06', '2026-08-19', '2026-08-21', '2026-08-31', '2026-09-02')`,
  );
  expect(levels?.levels).toEqual(['0', '1000', '1000', '3000', '3000', '3000']);
  await refreshDays(system.pool, signal);
  expect(await one('select count(*)::int from changed_days')).toEqual({ count: 0 });
});

test('a draft tells what it comes to so far, and again when more has come', async () => {
  await system.pool.query(
    `with p as (insert into plans (slug, version, currency, valid_from) values ('pro', 1, 'EUR', '2026-01-01') returning id),
       l as (insert into plan_limits (plan_id, resource, scope, included, price_per_unit)
         select id, resource, scope, 1, 10 from p cross join (values ('api_calls', 'project'), ('storage_bytes', 'project'), ('api_calls', 'organization')) as l (resource, scope))
     insert into organization_plans (organization_id, since, plan) select id, '2026-01-01', 'pro' from organizations where slug = 'acme'`,
  );
  const producer = await new Producer(system.pool, 'events').open();
  await events(producer, { time: '2026-08-15T10:00:00Z', data: { value: 5 } });
  await recordReadings(system.parts, [
    {
      projectId: '1',
      organizationId: '1',
      meterId: 15,
      at: '2026-08-01T00:00:00.000Z',
      value: '3',
    },
  ]);
  const draft = () =>
    one(
      `select tier, exceeded_limits as exceeded, overage_charge::text as charge, average_storage_bytes::text as average, state
       from monthly_stats where project_id = 1 and year = 2026 and month = 8`,
    );
  await close('2026-09-01T00:00:00Z');
  const first = {
    tier: 'pro',
    exceeded: ['api_calls', 'storage_bytes'],
    average: '3.000000',
    state: 'draft',
  };
  expect(await draft()).toEqual({ ...first, charge: '60' });
  await events(producer, { time: '2026-08-31T23:00:00Z', data: { value: 2 } });
  await close('2026-09-01T01:00:00Z');
  expect(await draft()).toEqual({ ...first, charge: '80' });
  expect(
    await one(
      `select overage_charge::text as charge, state from organization_monthly_stats where organization_id = 1 and year = 2026 and month = 8`,
    ),
  ).toEqual({ charge: '140', state: 'draft' });
  await close('2026-09-05T00:00:00Z');
  expect(await draft()).toEqual({ ...first, charge: '80', state: 'final' });
});
