import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createPool, type Pool } from '@odometer/database/pool';
import { type OdometerRun, runOdometer } from '@odometer/testing/run-odometer';
import { startTestBroker } from '@odometer/testing/test-broker';
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
});
afterAll(async () => {
  await pool.end();
  await Promise.all([database.drop(), redis.stop()]);
});

const odometer = (...args: string[]): Promise<OdometerRun> =>
  runOdometer(args, { DATABASE_URL: database.url, REDIS_URL: redis.url });

async function audit(action: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ subject: string }>(
    'select subject from audit_log where action = $1 order by id',
    [action],
  );
  return rows.map(({ subject }) => subject);
}

describe('exit codes and messages', () => {
  test('wrong usage ends with 2 and says what is expected', async () => {
    const run = await odometer('usage', 'not-a-path');
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toContain('It should be ORGANIZATION/PROJECT.');
    expect((await odometer('bokos')).stderr).toContain('(Did you mean books?)');
  });

  test('wrong configuration ends with 78 and names the variable', async () => {
    const run = await runOdometer(['books'], { DATABASE_URL: database.url });
    expect(run.exitCode).toBe(78);
    expect(run.stderr).toContain('REDIS_URL is not set');
  });

  test('a Postgres or Redis that does not answer is one sentence and 1', async () => {
    const nowhere = 'postgres://u:secret@127.0.0.1:1/x';
    const run = await runOdometer(['gaps'], { DATABASE_URL: nowhere });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^odometer: Postgres does not answer \(.*\); check .*\n$/);
    const books = await runOdometer(['books'], {
      DATABASE_URL: database.url,
      REDIS_URL: 'redis://127.0.0.1:1',
    });
    expect(books.exitCode).toBe(1);
    expect(books.stderr).toMatch(/^odometer: Redis does not answer \(.*\); check .*\n$/);
  });

  test('an empty database asks for odometer migrate', async () => {
    const empty = await createTestDatabase({ migrated: false });
    try {
      const env = { DATABASE_URL: empty.url };
      const before = await runOdometer(['keys', 'list'], env);
      expect(before.exitCode).toBe(1);
      expect(before.stderr).toContain('run `odometer migrate`');
      const migrated = await runOdometer(['migrate', '--json'], env);
      expect(migrated.json()).toMatchObject({ applied: expect.arrayContaining(['0001_registry']) });
      expect((await runOdometer(['migrate'], env)).stdout).toBe('The schema is up to date.\n');
      expect((await runOdometer(['migrate', '--check'], env)).exitCode).toBe(0);
      expect((await runOdometer(['keys', 'list', '--json'], env)).json()).toEqual([]);
    } finally {
      await empty.drop();
    }
  });
});

describe('migrate', () => {
  test('--check --wait returns once another has migrated', async () => {
    const empty = await createTestDatabase({ migrated: false });
    try {
      const env = { DATABASE_URL: empty.url };
      const once = await runOdometer(['migrate', '--check'], env);
      expect(once.exitCode).toBe(1);
      expect(once.stderr).toMatch(/^odometer: the database schema is of another version: .*\n$/);
      const waiting = runOdometer(['migrate', '--check', '--wait=60'], env);
      expect((await runOdometer(['migrate'], env)).exitCode).toBe(0);
      expect(await waiting).toMatchObject({ exitCode: 0, stdout: 'The schema is up to date.\n' });
    } finally {
      await empty.drop();
    }
  });

  test('--wait does not wait where Postgres refuses: a wrong password, no such database', async () => {
    for (const [part, value, reason] of [
      ['pathname', '/nothing', 'database "nothing" does not exist'],
      ['password', 'wrong', 'password authentication failed'],
    ] as const) {
      const url = new URL(database.url);
      url[part] = value;
      const startMs = performance.now();
      const run = await runOdometer(['migrate', '--wait=100'], { DATABASE_URL: url.href });
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toContain(`Postgres does not answer (${reason}`);
      expect(run.stderr).not.toContain('waiting');
      expect(performance.now() - startMs).toBeLessThan(60_000);
    }
  });

  test('--wait says once what it waits for, and gives up with one sentence', async () => {
    const nowhere = { DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/x' };
    const run = await runOdometer(['migrate', '--wait=3'], nowhere);
    expect(run.exitCode).toBe(1);
    const lines = run.stderr.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^odometer: waiting, for up to 3 s: Postgres does not answer /);
    expect(lines[1]).toMatch(/^odometer: Postgres does not answer .*; check that it runs/);
    expect(run.stderr).not.toContain('secret');
  });
});

describe('keys', () => {
  test('are shown once, stored as hashes, and can be revoked once', async () => {
    const created = await odometer(
      ...['keys', 'create', '--name', 'ci', '--scope', 'ingest', 'read', '--json'],
    );
    const { id, key } = created.json() as { id: string; key: string };
    expect(key).toMatch(/^odo_[A-Za-z0-9_-]{43}$/);
    const { rows } = await pool.query('select * from api_keys where id = $1', [id]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(4));
    expect((await odometer('keys', 'list')).stdout).toContain('ingest, read');
    expect((await odometer('keys', 'list', '--json')).stdout).not.toContain('hash');
    expect((await odometer('keys', 'revoke', id)).exitCode).toBe(0);
    expect((await odometer('keys', 'revoke', id)).exitCode).toBe(1);
    expect(await audit('api_key.create')).toEqual([id]);
    expect(await audit('api_key.revoke')).toEqual([id]);
  });

  test('have known scopes only', async () => {
    const run = await odometer('keys', 'create', '--name', 'x', '--scope', 'root');
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('Allowed choices are ingest, read, admin');
  });
});

describe('projects and usage', () => {
  test('registering a project is repeatable, audited once, and asks for its kept usage', async () => {
    expect((await odometer('projects', 'create', 'acme/website')).exitCode).toBe(0);
    const again = await odometer('projects', 'create', 'acme/website');
    expect(again.stdout).toContain('was registered before');
    expect(await audit('project.create')).toEqual(['acme/website']);
    const listed = (await odometer('projects', 'list', '--json')).json();
    expect(listed).toMatchObject([{ organization: 'acme', project: 'website', discovered: false }]);
    const books = await odometer('dead-letters', 'list', '--json');
    expect(books.json()).toEqual([]);
  });

  test('usage shows figures exactly, those beyond 2^53 as text', async () => {
    await odometer('projects', 'create', 'acme/billing');
    await pool.query(
      `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
       select p.id, m.id, date_trunc('month', now(), 'UTC'), p.organization_id,
         case m.slug when 'logs' then 9007199254740993 else 12 end, 1
       from projects p, meters m where p.slug = 'billing' and m.slug in ('logs', 'logins')`,
    );
    const run = await odometer('usage', 'acme/billing', '--json');
    expect(run.json()).toMatchObject({
      organization: 'acme',
      project: 'billing',
      logs: '9007199254740993',
      logins: 12,
      lifetime_logs: '9007199254740993',
      api_calls: 0,
    });
    const { project_id: id } = run.json() as { project_id: string };
    const text = (await odometer('usage', id)).stdout;
    expect(text).toMatch(/logs +9,007,199,254,740,993 +9,007,199,254,740,993/);
    const unknown = await odometer('usage', 'acme/nothing');
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toContain('there is no project acme/nothing');
  });

  test('usage by windows is what the hours say, in any zone of whole hours', async () => {
    await odometer('projects', 'create', 'acme/windows');
    await pool.query("select create_month_partitions('2026-10-01Z', '2026-11-01Z')");
    await pool.query(
      `insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count, min, max)
       select p.id, 1, h, p.organization_id, 9007199254740993, 1, 1, 1
       from projects p, unnest(array['2026-10-25T21:00Z', '2026-10-25T22:00Z', '2026-10-25T23:00Z']::timestamptz[]) h
       where p.slug = 'windows'`,
    );
    await pool.query(
      `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
       select project_id, meter_id, '2026-10-01Z', organization_id, sum(sum), sum(count) from usage_hourly
       where hour < '2026-11-01Z' group by 1, 2, 4`,
    );
    await pool.query(
      `insert into changed_days (project_id, day, round)
       select distinct project_id, (hour at time zone 'UTC')::date, 1 from usage_hourly`,
    );
    const range = ['acme/windows', '--from', '2026-10-25T00:00+02:00', '--to', '2026-10-28'];
    const days = await odometer(
      'usage',
      ...range,
      '--window',
      'day',
      '--zone',
      'Europe/Prague',
      '--json',
    );
    expect(days.json()).toEqual({
      organization: 'acme',
      project: 'windows',
      meters: {
        mqtt_inbound: [
          {
            value: '18014398509481986',
            windowStart: '2026-10-24T22:00:00.000Z',
            windowEnd: '2026-10-25T23:00:00.000Z',
            groupBy: {},
          },
          expect.objectContaining({ value: '9007199254740993' }),
        ],
      },
    });
    const text = (await odometer('usage', ...range, '--window', 'month')).stdout;
    expect(text).toMatch(
      /mqtt_inbound +2026-10-01 00:00:00Z +2026-11-01 00:00:00Z +27,021,597,764,222,979/,
    );
    const refused = await odometer('usage', ...range, '--window', 'minute');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('windows of a minute');
    for (const to of ['2026-10-24T22:00Z', '2026-10-01']) {
      const reversed = await odometer('usage', ...range, '--to', to);
      expect(reversed).toMatchObject({ exitCode: 1, stdout: '' });
      expect(reversed.stderr).toBe('odometer: --to: should be after --from\n');
    }
    const group = await odometer('usage', ...range, '--meter', 'logs', '--group-by', 'colour');
    expect(group.stderr).toContain('no dimension colour');
    const zone = await odometer('usage', ...range, '--zone', 'Mars');
    expect([zone.exitCode, zone.stderr]).toEqual([2, expect.stringContaining('time zone')]);
  });
});

describe('apply', () => {
  const file =
    'kind: Project\nspec: { organization: acme, slug: shop }\n---\nkind: Meter\nspec: { slug: gpu, eventType: gpu, aggregation: count }\n';

  const apply = (input: string, ...args: string[]) =>
    runOdometer(
      ['apply', '-f', '-', ...args],
      { DATABASE_URL: database.url, REDIS_URL: redis.url },
      input,
    );

  test('shows what would change, then changes it once', async () => {
    const planned = await apply(file, '--dry-run');
    expect(planned.stdout).toContain('Meter gpu: would be created\n  + eventType: "gpu"');
    expect((await apply(file)).stdout).toContain('Meter gpu: created');
    const again = (await apply(file, '--json')).json();
    expect(again).toMatchObject({
      changes: [
        { label: 'Meter gpu', action: 'unchanged' },
        { label: 'Project acme/shop', action: 'unchanged' },
      ],
    });
  });

  test('names everything that is wrong with a file, and ends with 1', async () => {
    const run = await apply(file.replaceAll('slug', 'slugg'));
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('has 4 problem(s), nothing was changed');
    expect(run.stderr).toContain('line 4: Meter: unknown field slugg; did you mean slug?');
    const missing = await odometer('apply', '-f', '/nowhere.yaml');
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain('cannot read /nowhere.yaml');
  });
});

describe('preflight', () => {
  test('passes on what the stack starts, and fails on a Redis that forgets', async () => {
    const broker = await startTestBroker();
    const forgetful = await startTestRedis({ appendonly: 'no' });
    try {
      const env = { DATABASE_URL: database.url, MQTT_URL: broker.url };
      const good = await runOdometer(['preflight', '--json'], { ...env, REDIS_URL: redis.url });
      expect(good.json()).toMatchObject({ ok: true });
      expect(good.exitCode).toBe(0);
      const bad = await runOdometer(['preflight'], { ...env, REDIS_URL: forgetful.url });
      expect(bad.exitCode).toBe(1);
      expect(bad.stdout).toMatch(/redis durability +FAILED +.*appendonly is no/);
      expect(bad.stdout).toContain('What to do:');
    } finally {
      await Promise.all([broker.stop(), forgetful.stop()]);
    }
  });

  test('names everything that is away, at once', async () => {
    const run = await runOdometer(['preflight', '--json'], {
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
      REDIS_URL: 'redis://127.0.0.1:1',
      MQTT_URL: 'mqtt://127.0.0.1:1',
    });
    expect(run.exitCode).toBe(1);
    expect(run.json()).toMatchObject({
      checks: [
        { check: 'postgres', ok: false },
        { check: 'redis', ok: false },
        { check: 'broker', ok: false },
      ],
    });
  });
});
