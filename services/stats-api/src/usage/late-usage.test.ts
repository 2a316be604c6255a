import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { runOdometer } from '@odometer/testing/run-odometer';
import { type ApiFixture, startApi } from '../../test/api-fixture.ts';

// Every run of the command is a process that starts, which takes seconds on a machine that is busy with other tests.
jest.setTimeout(120_000);

let api: ApiFixture;

/** Last month is closed: what comes for it is an adjustment. `web` has used it in time and late, `late` only late. */
beforeAll(async () => {
  api = await startApi();
  await api.pool.query(
    `insert into organizations (slug) values ('acme');
     insert into projects (organization_id, slug) select 1, name from unnest(array['web', 'late']) as n (name);
     insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, owner) values
       (1000, 'tokens', 'counter', 'token', 'tokens', 'sum', '$.tokens', 'events'),
       (1001, 'longest', 'gauge', 'second', 'tokens', 'max', '$.seconds', 'events');
     select create_month_partitions(now() - interval '1 month', now());
     create temporary table used as
     select p.id as project_id, m.id as meter_id, m.slug,
       date_trunc('month', now() - interval '1 month', 'UTC') as last_month, date_trunc('month', now(), 'UTC') as month
     from projects p cross join meters m where m.id in (22, 23, 1000, 1001);
     insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at)
     select project_id, meter_id, last_month, 1, 5, 1, 5, 5, 5, last_month from used where project_id = 1
     union all
     select project_id, meter_id, month, 1, 2, 1, 2, 2, 2, month from used where project_id = 1;
     insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, min, max, last, last_at)
     select project_id, meter_id, date_trunc('month', hour, 'UTC'), organization_id, sum, count, min, max, last, last_at
     from usage_hourly;
     insert into changed_days (project_id, day, round) select distinct project_id, (hour at time zone 'UTC')::date, 0 from usage_hourly;
     insert into periods (organization_id, month, state, drafted_at, closing_at, closing_act, final_at, final_act, manifest)
     select distinct 1, last_month, 'final', now(), now(), 1, now(), 2, '{}'::jsonb from used;
     insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count, min, max, last, last_at)
     select 1, project_id, meter_id, last_month + interval '1 hour', month, 7, 1, 7, 7, 7, last_month + interval '1 hour' from used`,
  );
}, 60_000);

afterAll(() => api.stop());

async function usage(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { connectionString = '' } = api.pool.options;
  const run = await runOdometer(['usage', ...args, '--json'], { DATABASE_URL: connectionString });
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  return run.json() as Record<string, unknown>;
}

test.each([
  ['web', { tokens: [2, 14], longest: [2, 7], s3_byte_hours: [2, 14], s3_object_count: [2, 2] }],
  ['late', { tokens: [0, 7], longest: [0, 7], s3_byte_hours: [0, 7], s3_object_count: [7, 7] }],
])('a lifetime has what came late, by whatever it is asked for: %s', async (project, expected) => {
  const stats = (await api.ask(`GET /api/v1/projects/acme%2F${project}/stats`)).json<{
    meters: Record<string, { month: number; lifetime: number }>;
  }>();
  expect(
    Object.fromEntries(
      Object.entries(stats.meters).map(([slug, { month, lifetime }]) => [slug, [month, lifetime]]),
    ),
  ).toEqual(expected);
  // The same of everything, not only of these meters.
  expect(await usage(`acme/${project}`)).toEqual(stats);
  const windowed = await usage(`acme/${project}`, '--meter', 'tokens', 's3_byte_hours', 'longest');
  const lifetimes = Object.entries(windowed.meters as Record<string, { value: number }[]>).map(
    ([slug, rows]) => [slug, rows.map(({ value }) => value)],
  );
  const { tokens, s3_byte_hours, longest } = expected;
  expect(Object.fromEntries(lifetimes)).toEqual({
    tokens: [tokens[1]],
    s3_byte_hours: [s3_byte_hours[1]],
    longest: [longest[1]],
  });
});

test('the command shows stored objects among what is now, and their byte-hours among what is counted', async () => {
  const { connectionString = '' } = api.pool.options;
  const { stdout } = await runOdometer(['usage', 'acme/web'], { DATABASE_URL: connectionString });
  const [counted = '', now = ''] = stdout.split('\nnow');
  expect(counted).toMatch(/s3_byte_hours +2 +14/);
  expect(now).toMatch(/s3_object_count +2/);
});
