import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { runOdometer } from '@odometer/testing/run-odometer';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { tcpProxy } from '@odometer/testing/tcp-proxy';
import { DUE, DUE_DAY, DUE_MS, monthOf, openClosing, RUNNING } from '../test/closing-fixture.ts';

// Every run is a process that starts, which takes seconds on a machine that is busy with other tests.
jest.setTimeout(120_000);

let system: Awaited<ReturnType<typeof openClosing>>;
let worker: SpawnedService | undefined;
beforeAll(async () => {
  system = await openClosing();
});
afterAll(async () => {
  await worker?.kill('SIGTERM');
  await system.close();
});

interface PreviewJson {
  readonly isRunning: boolean;
  readonly organizations: readonly Readonly<Record<string, unknown>>[];
  readonly projects: readonly Readonly<Record<string, unknown>>[];
}

let previewed: PreviewJson;

test('a preview tells what a close would make of a month and what would hold it up, and writes nothing', async () => {
  const before = await system.contents();
  const run = await system.odometer('close', '--month', DUE, '--dry-run', '--json');
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  previewed = run.json() as PreviewJson;
  expect(previewed.organizations).toMatchObject([
    // web: 11 + 4 late, 2 included, at 3: 39. Storage: 1000 for 20.58 of 31 days. The organization: 15, 5 included, at 1.
    {
      organization: 'acme',
      state: 'open',
      heldUpBy: [],
      projects: 2,
      exceededLimits: ['api_calls', 'projects'],
    },
    { organization: 'newcomer', state: 'open', heldUpBy: [], overageCharge: 0, currency: null },
    {
      organization: 'zeta',
      heldUpBy: ["1 dead letter(s) from before the month's end; retry them, or force the close"],
    },
  ]);
  expect(previewed.projects).toMatchObject([
    { organization: 'acme', project: 'app', tier: 'pro', meters: [], overageCharge: 0 },
    {
      organization: 'acme',
      project: 'web',
      tier: 'pro',
      exceededLimits: ['api_calls', 'storage_bytes'],
      meters: [
        { meter: 'api_calls', sum: '11', used: '11', late: '4', isCounter: true },
        { meter: 'storage_bytes', peak: '1000', isCounter: false },
      ],
    },
    { organization: 'newcomer', project: 'web', tier: null },
    {
      organization: 'zeta',
      project: 'web',
      meters: [{ meter: 'api_calls', sum: '11', late: '0' }],
    },
  ]);

  const running = await system.odometer('close', '--month', RUNNING, '--dry-run');
  expect(running.stdout).toContain(`${RUNNING} has not ended: this is what it would come to`);
  expect(running.stdout).toMatch(/acme\/web +api_calls +7 +9 +2 +14 +42/);
  // The organization's own charges have their lines, too; what is late is in them.
  expect(running.stdout).toMatch(/\nacme +api_calls +16 +5 +11 +11\n/);
  const one = await system.odometer('close', '--month', DUE, '--dry-run', '--organization', 'zeta');
  expect(one.stdout).not.toContain('acme');
  expect(await system.contents()).toEqual(before);
});

test('a preview shows of each meter what a month bills, and never a sum of what does not add up', async () => {
  await system.pool.query(
    `insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, owner)
     select nextval('meter_ids'), 'of_' || v.aggregation, v.kind, 'unit', 'odd', v.aggregation, '$.v', 'events'
     from (values ('avg', 'gauge'), ('min', 'gauge'), ('max', 'gauge'), ('latest', 'gauge'), ('unique_count', 'counter'))
       as v (aggregation, kind)`,
  );
  await system.pool.query(
    `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, min, max, last, last_at)
     select p.id, m.id, $1, p.organization_id, 4000, 4, 700, 1600, 800, $1
     from projects p join organizations o on o.id = p.organization_id, meters m
     where o.slug = 'acme' and p.slug = 'app' and m.slug like 'of\\_%'`,
    [new Date(DUE_MS)],
  );
  const text = (await system.odometer('close', '--month', DUE, '--dry-run')).stdout;
  const used = (project: string, meter: string) =>
    new RegExp(`\\n${project} +${meter} +(\\S+)`).exec(text)?.[1];
  expect(used('acme/app', 'of_avg')).toMatch(/^1,000(\.0+)?$/);
  expect(used('acme/app', 'of_min')).toBe('700');
  expect(used('acme/app', 'of_max')).toBe('1,600');
  expect(used('acme/app', 'of_latest')).toBe('800');
  expect(text).not.toContain('unique_count');
  // 1000 from the 10th on: what is billed is the average, and so it is what counts as used.
  const storage = /\nacme\/web +storage_bytes +(\S+) +1,000 +(\S+) +100 /.exec(text);
  expect(storage?.[1]).toBe(storage?.[2]);
  expect(Number(storage?.[1])).toBeLessThan(1_000);
  await system.pool.query(
    `delete from usage_monthly where meter_id in (select id from meters where slug like 'of\\_%');
     delete from meters where slug like 'of\\_%'`,
  );
});

test('what cannot be closed is refused in one sentence, before anything is written', async () => {
  const before = await system.contents();
  const refused = async (...args: string[]) => (await system.odometer('close', ...args)).stderr;
  expect(await refused('--month', RUNNING, '--force', '--reason', 'now')).toBe(
    `odometer: the month ${RUNNING} has not ended yet and cannot be closed, not by force either; --dry-run shows what it would come to now\n`,
  );
  expect(await refused('--month', '2001-01', '--dry-run')).toBe(
    'odometer: there is nothing in 2001-01 for anybody\n',
  );
  expect(await refused('--month', DUE, '--organization', 'nobody', '--dry-run')).toContain(
    'there is no organization nobody',
  );
  const wrong = await system.odometer('close', '--month', DUE, '--force');
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('--force and --reason TEXT belong together');
  expect(await refused('--month', '2026-13')).toContain('It should be a month, like 2026-10.');
  expect(await refused('--month', DUE, '--dry-run', '--force', '--reason', 'x')).toContain(
    'cannot be used with',
  );
  expect(await system.contents()).toEqual(before);
});

test('a close waits for the worker, makes what the preview said, and tells what is held up or within its grace', async () => {
  const asked = system.odometer('close', '--month', DUE, '--json');
  worker = await spawnService('stats-worker', system.env);
  const run = await asked;
  expect(run.exitCode).toBe(1);
  const until = (
    await system.pool.query(
      "select created_at + interval '72 h' as at from organizations where slug = 'newcomer'",
    )
  ).rows[0].at;
  const closed = run.json() as { overageCharge: unknown }[];
  expect(closed).toMatchObject([
    {
      organization: 'acme',
      month: DUE,
      state: 'final',
      closedProjects: 2,
      currency: 'EUR',
      heldUpBy: [],
    },
    {
      organization: 'newcomer',
      state: 'draft',
      heldUpBy: [],
      withinGraceUntil: until.toISOString(),
    },
    { organization: 'zeta', state: 'draft', heldUpBy: [expect.stringContaining('dead letter')] },
  ]);
  expect(closed[0]?.overageCharge).toBe(previewed.organizations[0]?.overageCharge);
  const { rows } = await system.pool.query(
    `select p.slug as project, x.tier, x.exceeded_limits as "exceededLimits", x.charges, x.overage_charge::int as "overageCharge"
     from project_months x join projects p on p.id = x.project_id where x.final and x.month = $1 order by 1`,
    [new Date(DUE_MS)],
  );
  expect(previewed.projects.slice(0, 2)).toMatchObject(rows);

  const text = await system.odometer('close', '--month', DUE, '--organization', 'newcomer');
  expect(text.exitCode).toBe(1);
  expect(text.stdout).toMatch(/newcomer +draft +0 +within its grace until 20\d\d-/);
});

test('a forced close is final at once, with who wanted it and why in the audit log, and only once', async () => {
  const force = (organization: string) =>
    system.odometer(
      ...['close', '--month', DUE, '--organization', organization],
      ...['--force', '--reason', 'the letter was a test', '--json'],
    );
  const run = await force('zeta');
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(run.json()).toMatchObject([{ organization: 'zeta', state: 'final' }]);
  expect(await force('newcomer')).toMatchObject({ exitCode: 0 });
  const again = await force('zeta');
  expect(again.stderr).toContain(`${DUE} is final for zeta and never changes`);
  const { rows } = await system.pool.query(
    `select actor ~ '^cli:.' as "isSomebody", subject, detail from audit_log where action = 'period.force_close' order by id`,
  );
  expect(rows).toEqual([
    {
      isSomebody: true,
      subject: `zeta/${DUE}`,
      detail: {
        reason: 'the letter was a test',
        heldUpBy: [expect.stringContaining('dead letter')],
      },
    },
    {
      isSomebody: true,
      subject: `newcomer/${DUE}`,
      detail: { reason: 'the letter was a test', heldUpBy: [] },
    },
  ]);
  expect((await system.odometer('close', '--month', DUE)).stderr).toContain('final for everybody');
});

test('periods are listed with their state, and shown with their manifest', async () => {
  const list = await system.odometer('periods', '--month', DUE, '--state', 'final');
  expect(list.stdout).toMatch(/zeta +final \(forced\)/);
  expect(list.stdout).toMatch(/acme +final .* minor units of EUR/);
  const listed = (await system.odometer('periods', '--organization', 'acme', '--json')).json();
  expect(listed).toContainEqual(
    expect.objectContaining({ month: DUE, state: 'final', currency: 'EUR' }),
  );
  const shown = await system.odometer('periods', 'show', 'zeta', DUE, '--json');
  expect(shown.json()).toMatchObject({
    state: 'final',
    forcedReason: 'the letter was a test',
    manifest: { organization: 'zeta', month: DUE, meters: { api_calls: { sum: '11' } } },
  });
  const text = (await system.odometer('periods', 'show', 'acme', DUE)).stdout;
  expect(text).toContain('exceeded limits  api_calls, projects');
  expect(text).toContain('"hoursHash"');
  expect((await system.odometer('periods', 'show', 'nobody', DUE)).exitCode).toBe(1);
  const open = await system.odometer('periods', 'show', 'acme', RUNNING);
  expect(open.stdout).toMatch(/state +open/);
});

test('adjustments are listed with their hour and the month that is billed', async () => {
  const run = await system.odometer('adjustments', '--organization', 'acme', '--month', RUNNING);
  expect(run.stdout).toMatch(
    new RegExp(`acme/web +api_calls +${monthOf(DUE_MS - 1)}-\\d\\d 23:00:00Z +${RUNNING} +9 `),
  );
  expect((await system.odometer('adjustments', '--json')).json()).toHaveLength(2);
  expect((await system.odometer('adjustments', '--organization', 'zeta')).stdout).toBe(
    'There are no adjustments.\n',
  );
});

test('anybody can recompute a manifest with the SQL in docs/periods.md', async () => {
  const document = await readFile(new URL('../../../docs/periods.md', import.meta.url), 'utf8');
  const statements = [...document.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) =>
    sql.replaceAll('2026-10-01Z', `${DUE}-01Z`),
  );
  expect(statements).toHaveLength(5);
  const found: { equal: boolean }[][] = [];
  for (const sql of statements) found.push((await system.pool.query(sql)).rows);
  expect(found.slice(0, 4).map((rows) => rows.map(({ equal }) => equal))).toEqual([
    [true, true],
    [true, true],
    [true, true, true],
    [true],
  ]);
  expect(found[4]).toEqual([]);

  // A planted edit shows in each of them.
  const edits = [
    "update usage_hourly set last_at = last_at + interval '1 s'",
    'update usage_daily set last = 1',
    'update usage_monthly set lifetime = 0; update usage_adjustments set sum = 1',
    'update project_months set overage_charge = 1',
    'update usage_monthly set sum = sum + 1',
  ];
  const client = await system.pool.connect();
  for (const [index, edit] of edits.entries()) {
    await client.query(`begin; set local session_replication_role = replica; ${edit}`);
    const { rows } = await client.query<{ equal?: boolean }>(statements[index] ?? '');
    await client.query('rollback');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.some(({ equal }) => equal)).toBe(false);
  }
  client.release();
});

test('verify says equal, or what differs down to the project, reading only', async () => {
  const readOnly = {
    DATABASE_URL: `${system.env.DATABASE_URL}?options=-c%20default_transaction_read_only%3Don`,
  };
  const verify = (...args: string[]) => runOdometer(['verify', ...args], readOnly);
  const equal = await verify(DUE);
  expect(equal).toMatchObject({
    exitCode: 0,
    stderr: '',
    stdout: `${DUE}: equal (3 organization(s), 4 project(s))\n`,
  });
  const all = await verify('--all', '--json');
  expect(all).toMatchObject({ exitCode: 0 });
  expect(all.json()).toContainEqual(expect.objectContaining({ month: DUE, equal: true }));

  // Behind the triggers' back.
  const edit = (change: string) =>
    system.pool.query(`begin; set local session_replication_role = replica;
      update usage_hourly set sum = sum ${change}
      where project_id = (select p.id from projects p join organizations o on o.id = p.organization_id where o.slug = 'zeta')
        and hour = '${DUE_DAY}T10:00:00Z'; commit`);
  await edit('+ 1');
  const differs = await verify('--all');
  expect(differs.exitCode).toBe(1);
  expect(differs.stdout).toMatch(/zeta +web +api_calls +month +11 +12/);
  expect(await verify(DUE, '--organization', 'acme')).toMatchObject({ exitCode: 0 });
  const json = await verify(DUE, '--organization', 'zeta', '--json');
  expect(json.exitCode).toBe(1);
  expect(json.json()).toMatchObject([{ month: DUE, equal: false, organizations: 1 }]);
  await edit('- 1');
  expect(await verify(DUE)).toMatchObject({ exitCode: 0 });
});

test('a month that is final for nobody is not verified, and says so', async () => {
  const run = await system.odometer('verify', RUNNING);
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toContain(`${RUNNING} is not final for anybody`);
  expect((await system.odometer('verify', DUE, '--organization', 'x')).stderr).toContain(
    'there is no organization x',
  );
  expect((await system.odometer('verify')).exitCode).toBe(2);
});

test('a snapshot is taken again when it is asked for, the missing ones too, and never of a day that goes on', async () => {
  const before = await system.pool.query('select taken_at from snapshots where day = $1', [
    DUE_DAY,
  ]);
  const run = await system.odometer('snapshot', '--date', DUE_DAY, '--json');
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  const { days } = run.json() as { days: { day: string; takenAt: string }[] };
  expect(days).toMatchObject([{ day: DUE_DAY }]);
  expect(Date.parse(days[0]?.takenAt ?? '')).toBeGreaterThan(before.rows[0].taken_at.getTime());

  await system.pool.query('delete from snapshots where day = $1', [DUE_DAY]);
  const missing = await system.odometer('snapshot');
  expect(missing.stdout).toMatch(new RegExp(`^day +taken\\n${DUE_DAY} +20\\d\\d-`));
  expect((await system.odometer('snapshot')).stdout).toContain('has its snapshot');

  // Of several the oldest first, by jobs that close no month.
  await worker?.kill('SIGTERM');
  worker = undefined;
  const missed = [DUE_DAY, `${DUE}-11`, `${DUE}-12`];
  await system.pool.query('delete from snapshots where day = any($1::date[])', [missed]);
  const waiting = await system.waitingJobs();
  const several = await system.odometer('snapshot', '--no-wait');
  expect(several.stdout).toBe('The worker is asked for the snapshots of 3 day(s).\n');
  expect((await system.waitingJobs()).slice(waiting.length)).toEqual(
    missed.map((date) => ({ name: 'snapshot', data: { date } })),
  );
  const today = new Date().toISOString().slice(0, 10);
  expect((await system.odometer('snapshot', '--date', today)).stderr).toContain(
    `the day ${today} has not ended yet`,
  );
  expect((await system.odometer('snapshot', '--date', '2026-02-30')).exitCode).toBe(2);
  const asked = await system.odometer('snapshot', '--date', DUE_DAY, '--no-wait');
  expect(asked.stdout).toBe('The worker is asked for the snapshots of 1 day(s).\n');
});

test('a Redis that dies in the middle of a forced close undoes nothing, and the command says so', async () => {
  const last = monthOf(Date.parse(`${RUNNING}-01T00:00:00Z`) - 1);
  const proxy = await tcpProxy(system.redis.port);
  const { length } = await system.waitingJobs();
  const closing = runOdometer(
    ['close', '--month', last, '--organization', 'zeta', '--force', '--reason', 'a test'],
    { ...system.env, REDIS_URL: proxy.url(system.env.REDIS_URL) },
  );
  await eventually(async () => (await system.waitingJobs()).length > length);
  proxy.refuse();
  const run = await closing;
  await proxy.close();
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr.trim().split('\n').at(-1)).toBe(
    `odometer: Redis has stopped answering. What is recorded of ${last} stays, a --force with its reason included, and the close goes on with the next bell once Redis is back; \`odometer periods list --month ${last}\` shows how far it is`,
  );
  const shown = await system.odometer('periods', 'show', 'zeta', last, '--json');
  expect(shown.json()).toMatchObject({ state: 'draft', forcedReason: 'a test' });
});
