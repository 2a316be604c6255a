import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { verifyMonth } from '@odometer/database/periods/verify';
import { event, openAppliers, Producer } from '../../test/applier-fixture.ts';
import { closeDueMonths } from './close-due-months.ts';
import { recordReadings } from './record-readings.ts';
import { takeSnapshots } from './take-snapshots.ts';

const AUGUST = Date.parse('2026-08-01T00:00:00Z');
const SEPTEMBER = Date.parse('2026-09-01T00:00:00Z');
const signal = new AbortController().signal;
let nowMs = Date.parse('2026-08-15T12:00:00Z');
let system: Awaited<ReturnType<typeof openAppliers>>;

/** Two projects with usage in two closed months, late usage, and a plan that charges. */
beforeAll(async () => {
  nowMs = Date.parse('2026-08-15T12:00:00Z');
  system = await openAppliers({}, () => nowMs);
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', '2026-08-01') returning id),
       p as (insert into plans (slug, version, currency, valid_from) values ('pro', 1, 'EUR', '2026-01-01') returning id),
       l as (insert into plan_limits (plan_id, resource, scope, included, price_per_unit)
         select id, 'api_calls', 'project', 2, 3 from p),
       lo as (insert into plan_limits (plan_id, resource, scope, included, price_per_unit)
         select id, 'api_calls', 'organization', 10, 5 from p),
       u as (insert into organization_users (organization_id, since, users) select id, '2026-01-01', 4 from o),
       lu as (insert into plan_limits (plan_id, resource, scope, included, price_per_unit)
         select id, 'users', 'organization', 1, 100 from p),
       a as (insert into organization_plans (organization_id, since, plan) select id, '2026-01-01', 'pro' from o)
     insert into projects (organization_id, slug, created_at)
     select id, name, '2026-08-01' from o cross join (values ('web'), ('app')) as names (name)`,
  );
  const producer = await new Producer(system.pool, 'events').open();
  const apply = (time: string, project: string, value: number) =>
    system.events.apply([
      producer.events(event({ project, subject: `acme/${project}`, time, data: { value } })),
    ]);
  const close = async (at: string) => {
    nowMs = Date.parse(at);
    await takeSnapshots(system.pool, nowMs, signal);
    await closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: 0 }, nowMs, signal);
  };
  await apply('2026-08-10T10:00:00Z', 'web', 5);
  await apply('2026-08-11T10:00:00Z', 'web', 6);
  await apply('2026-08-11T10:00:00Z', 'app', 1);
  const { rows } = await system.pool.query(
    "select id, organization_id from projects where slug = 'web'",
  );
  await recordReadings(system.parts, [
    {
      projectId: rows[0].id,
      organizationId: rows[0].organization_id,
      meterId: 15,
      at: '2026-08-05T00:00:00.000Z',
      value: '7',
    },
  ]);
  await close('2026-09-01T00:00:00Z');
  await system.pool.query(
    "insert into projects (organization_id, slug, created_at) select id, 'later', '2026-10-05' from organizations",
  );
  await apply('2026-08-12T10:00:00Z', 'web', 7);
  await apply('2026-09-12T10:00:00Z', 'web', 8);
  await close('2026-10-01T00:00:00Z');
});
afterAll(() => system.close());

test('what was closed and not touched verifies', async () => {
  for (const month of [AUGUST, SEPTEMBER]) {
    expect(await verifyMonth(system.pool, month)).toEqual({
      organizations: 1,
      projects: 2,
      differences: [],
    });
  }
  const { rows } = await system.pool.query(
    'select overage_charge::text as charge, exceeded_limits from project_months order by month, project_id',
  );
  expect(rows).toEqual([
    { charge: '27', exceeded_limits: ['api_calls'] },
    { charge: '0', exceeded_limits: [] },
    // September’s 8 and the late 7 of August, 2 included.
    { charge: '39', exceeded_limits: ['api_calls'] },
    { charge: '0', exceeded_limits: [] },
  ]);
});

const edits: readonly (readonly [string, string, string])[] = [
  ['an hour', "update usage_hourly set sum = sum + 1 where hour = '2026-08-10T10:00Z'", 'month'],
  [
    'two hours that make up for each other',
    `update usage_hourly set sum = sum + case when hour = '2026-08-10T10:00Z' then 1 else -1 end
     where project_id = (select id from projects where slug = 'web') and hour < '2026-09-01'`,
    'hours',
  ],
  [
    'when an hour was last used',
    "update usage_hourly set last_at = last_at + interval '1 s' where sum = 5",
    'hours',
  ],
  ['a deleted hour', "delete from usage_hourly where hour = '2026-08-10T10:00Z'", 'month'],
  [
    'a day',
    "update usage_daily set sum = sum + 1 where day = '2026-08-10' and meter_id = 7",
    'days',
  ],
  [
    'an added day',
    `insert into usage_daily (project_id, day, meter_id, organization_id, sum, count)
     select id, '2026-08-20', 9, organization_id, 1, 1 from projects where slug = 'web'`,
    'days',
  ],
  [
    'a month',
    "update usage_monthly set sum = sum + 1 where month = '2026-08-01' and sum = 11",
    'month',
  ],
  [
    'a lifetime',
    "update usage_monthly set lifetime = 0 where month = '2026-08-01' and sum = 11",
    'lifetime',
  ],
  [
    'an event',
    `update events set data = '{"value": 6}' where time = '2026-08-10T10:00Z'`,
    'events',
  ],
  ['a deleted event', "delete from events where time = '2026-08-12T10:00Z'", 'events'],
  ['a charge', 'update project_months set overage_charge = 0 where overage_charge = 27', 'charges'],
  [
    'exceeded limits',
    "update project_months set exceeded_limits = '{}' where overage_charge = 27",
    'charges',
  ],
];
/** Verifies with rows edited behind the triggers' back, and leaves them as they were. */
async function verifyEdited(monthMs: number, sql: string) {
  const client = await system.pool.connect();
  try {
    await client.query(`begin; set local session_replication_role = replica; ${sql}`);
    return (await verifyMonth(client, monthMs)).differences;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test.each(edits)('a planted edit is found, with its project: %s', async (_what, sql, compared) => {
  const differences = await verifyEdited(AUGUST, sql);
  expect(differences).toContainEqual(
    expect.objectContaining({ organization: 'acme', project: 'web', compared }),
  );
  expect(differences.every(({ project }) => project !== 'app')).toBe(true);
});

test('an edited adjustment, price or manifest is found', async () => {
  expect(await verifyEdited(SEPTEMBER, 'update usage_adjustments set sum = 70')).toContainEqual(
    expect.objectContaining({ project: 'web', compared: 'adjustments' }),
  );
  expect(await verifyEdited(AUGUST, 'update plan_limits set price_per_unit = 4')).toContainEqual(
    expect.objectContaining({ project: 'web', compared: 'charges' }),
  );
  const manifest = `update periods set manifest = jsonb_set(manifest, '{meters,api_calls,sum}', '"1"')`;
  expect(await verifyEdited(AUGUST, manifest)).toMatchObject([
    { project: null, meter: 'api_calls', compared: 'manifest' },
  ]);
});

const organizationEdits: readonly (readonly [string, string])[] = [
  [
    'a price of the organization’s scope',
    "update plan_limits set price_per_unit = 6 where resource = 'api_calls' and scope = 'organization'",
  ],
  ['a limit taken away', "delete from plan_limits where scope = 'organization'"],
  ['a limit made hard', "update plan_limits set hard = true where scope = 'project'"],
  ['how many users there were', 'update organization_users set users = 1'],
  ['what the organization is charged', 'update periods set overage_charge = 0'],
  [
    'what the organization is charged, in its manifest too',
    `update periods set charges = '[]', overage_charge = 0,
       manifest = jsonb_set(jsonb_set(manifest, '{charges,lines}', '[]'), '{charges,overageCharge}', '"0"')`,
  ],
  [
    'the plan in the manifest',
    `update periods set manifest = jsonb_set(manifest, '{plan}', 'null')`,
  ],
  ['the cutoff', "update periods set closing_at = closing_at - interval '1 hour'"],
  ['when it became final', "update periods set final_at = final_at + interval '1 hour'"],
  ['who forced it', "update periods set forced_by = 'me', forced_reason = 'why not'"],
  ['the whole period, taken away', "delete from periods where month = '2026-08-01Z'"],
];
test.each(organizationEdits)(
  'an edit that concerns the organization is found: %s',
  async (_what, sql) => {
    const differences = await verifyEdited(AUGUST, sql);
    expect(differences.map(({ organization }) => organization)).toContain('acme');
  },
);

const hiddenEdits: readonly (readonly [string, string, string])[] = [
  ['whose an hour is', 'update usage_hourly set organization_id = 99 where sum = 5', 'web'],
  [
    'a month that is not final any more',
    'update usage_monthly set final = false where sum = 11',
    'web',
  ],
  [
    'an event moved to another hour',
    "update events set time = time + interval '3 hours' where time = '2026-08-10T10:00Z'",
    'web',
  ],
  [
    'a planted day of devices',
    `insert into usage_daily (project_id, day, meter_id, organization_id, sum, count, last)
     select id, '2026-08-20', 19, organization_id, 0, 0, 5 from projects where slug = 'web'`,
    'web',
  ],
  [
    'a day of a project without that month',
    `insert into usage_daily (project_id, day, meter_id, organization_id, sum, count)
     select id, '2026-08-20', 7, organization_id, 500, 1 from projects where slug = 'later'`,
    'later',
  ],
  ['a reading', 'update gauge_readings set value = 70', 'web'],
  ['a deleted reading', 'delete from gauge_readings', 'web'],
  ['a reading moved by a day', "update gauge_readings set at = at + interval '1 day'", 'web'],
];
test.each(hiddenEdits)(
  'an edit that leaves the sums is found, with its project: %s',
  async (_what, sql, project) => {
    const differences = await verifyEdited(AUGUST, sql);
    expect(differences).toContainEqual(expect.objectContaining({ organization: 'acme', project }));
  },
);
