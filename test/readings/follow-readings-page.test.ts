import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createPool, type Pool } from '@odometer/database/pool';
import { eventually } from '@odometer/testing/eventually';
import { runOdometer } from '@odometer/testing/run-odometer';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

/** docs/readings.md, followed to the letter: its role, its variable and its file, with the command and the worker as they are. */

jest.setTimeout(120_000);

const PAGE = readFileSync(new URL('../../docs/readings.md', import.meta.url), 'utf8');
const example = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(PAGE)?.[1] ?? '';

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let database: TestDatabase;
let application: TestDatabase;
let pool: Pool;
let owner: Pool;
let worker: SpawnedService | undefined;

const connect = (url: string) =>
  createPool({ url, applicationName: 'test', maxConnections: 2 }, () => {});

beforeAll(async () => {
  [redis, database, application] = await Promise.all([
    startTestRedis(),
    createTestDatabase(),
    createTestDatabase({ migrated: false }),
  ]);
  pool = connect(database.url);
  owner = connect(application.url);
});
afterAll(async () => {
  await worker?.kill('SIGTERM');
  await owner.query('drop owned by odometer_reader; drop role odometer_reader');
  await Promise.all([pool.end(), owner.end()]);
  await Promise.all([database.drop(), application.drop(), redis.stop()]);
});

test('the page is what it takes', async () => {
  await owner.query(
    `create table sessions (customer text, app text, started_at timestamptz);
     create table apps (name text);
     create table devices (app text, retired boolean not null default false);
     insert into apps values ('robots'), ('empty');
     insert into devices values ('robots', false), ('robots', false), ('robots', true)`,
  );
  await owner.query(example('sql'));
  const [name = '', documented = ''] = example('sh').trim().split(/=(.*)/s);
  const { username, password } = new URL(documented);
  const url = new URL(application.url);
  url.username = username;
  url.password = password;

  const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
  const applied = await runOdometer(['apply', '-f', '-'], env, example('yaml'));
  expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
  // As if it had been declared three hours ago, so that nobody has to wait.
  const { rows } = await pool.query<{ hour: Date }>(
    `update reading_progress set read_from = read_from - interval '3 hours', read_through = read_through - interval '3 hours'
     returning read_from as hour`,
  );
  await owner.query(
    `insert into sessions select 'acme', 'robots', $1::timestamptz + i * interval '20 minutes' from generate_series(0, 3) i`,
    [rows[0]?.hour],
  );

  worker = await spawnService('stats-worker', {
    ...env,
    ODOMETER_INSTANCE: 'worker-test',
    [name]: url.href,
  });
  await worker.ready(60_000);
  const used = async () => {
    const { rows: found } = await pool.query(
      `select m.slug as meter, o.slug || '/' || p.slug as project, u.sum::int, u.last::int
       from usage_hourly u join meters m on m.id = u.meter_id join projects p on p.id = u.project_id
       join organizations o on o.id = p.organization_id
       order by 1, 2, u.hour`,
    );
    return found;
  };
  const expected = [
    { meter: 'app_devices', project: 'acme/empty', sum: 0, last: 0 },
    { meter: 'app_devices', project: 'acme/robots', sum: 2, last: 2 },
    { meter: 'sessions', project: 'acme/robots', sum: 3, last: null },
    { meter: 'sessions', project: 'acme/robots', sum: 1, last: null },
  ];
  await eventually(async () => expect(await used()).toEqual(expected), { deadlineMs: 60_000 });
  const measured = async () => {
    const { rows: found } = await pool.query(
      `select target, state, (figures ->> 'roleMayWrite')::boolean as "mayWrite" from measurements order by 1`,
    );
    return found;
  };
  const complete = [
    { target: 'devices', state: 'complete', mayWrite: false },
    { target: 'sessions', state: 'complete', mayWrite: false },
  ];
  await eventually(async () => expect(await measured()).toEqual(complete), { deadlineMs: 30_000 });

  // What was there before the reading was declared.
  const earlier = new Date((rows[0]?.hour.getTime() ?? 0) - 48 * 3_600_000);
  await owner.query("insert into sessions values ('acme', 'robots', $1)", [earlier]);
  const to = new Date(earlier.getTime() + 3_600_000).toISOString();
  const hours = ['--from', earlier.toISOString(), '--to', to];
  const again = await runOdometer(['measure', 'sql', 'sessions', ...hours, '--json'], env);
  expect(again).toMatchObject({ exitCode: 0, stderr: '' });
  expect(again.json()).toMatchObject([{ state: 'complete', figures: { hours: 1, changed: 1 } }]);
  expect(await used()).toEqual([...expected.slice(0, 2), expected[3], ...expected.slice(2)]);
  const gauge = await runOdometer(['measure', 'sql', 'devices', ...hours], env);
  expect(gauge).toMatchObject({ exitCode: 1 });
  expect(gauge.stderr).toContain('--from: is for SQL readings of windows, which devices is not');
  expect(await runOdometer(['measure', ...hours], env)).toMatchObject({ exitCode: 2 });
});
