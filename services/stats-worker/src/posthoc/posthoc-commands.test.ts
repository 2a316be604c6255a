import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { type OdometerRun, runOdometer } from '@odometer/testing/run-odometer';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { startTestRedis } from '@odometer/testing/test-redis';
import { openAppliers } from '../../test/applier-fixture.ts';
import { albLine, DECLARATION, REQUESTS, writeLog } from '../../test/posthoc-fixture.ts';

// Commands and workers are processes of their own, which take seconds to start on a busy machine.
jest.setTimeout(180_000);

const HOUR_MS = 3_600_000;
/** The hour before the last one that has ended: surely due, whatever minute it is. */
const windowMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 2 * HOUR_MS;
const window = new Date(windowMs).toISOString();
const day = `alb/${window.slice(0, 10).replaceAll('-', '/')}`;

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let system: Awaited<ReturnType<typeof openAppliers>>;
let directory: string;
let workers: SpawnedService[];
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  system = await openAppliers();
  directory = temporaryDirectory('logs');
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) await worker.kill('SIGTERM');
  await system.close();
});

const env = () => ({ DATABASE_URL: system.url, REDIS_URL: redis.url });
const odometer = (...args: string[]): Promise<OdometerRun> => runOdometer(args, env());

async function startWorker(queues: string): Promise<SpawnedService> {
  const worker = await spawnService('stats-worker', {
    ...env(),
    ODOMETER_WORKER_QUEUES: queues,
    ODOMETER_POSTHOC_DIRECTORY: directory,
  });
  workers.push(worker);
  await worker.ready();
  return worker;
}

const apply = (change: Readonly<Record<string, unknown>> = {}) =>
  runOdometer(
    ['apply', '-f', '-'],
    env(),
    JSON.stringify({
      kind: 'PosthocMetric',
      spec: { ...DECLARATION, lookback: 3, revisions: ['1m'], ...change },
    }),
  );
const write = (name: string, projects: readonly string[]) =>
  writeLog(
    directory,
    `${day}/${name}`,
    projects.map((project, i) => albLine(new Date(windowMs + i).toISOString(), project)),
  );
const calls = async () =>
  (
    await system.pool.query(
      `select p.slug as project, s.api_calls::text as calls from project_stats s join projects p on p.id = s.project_id
       where s.month = date_trunc('month', $1::timestamptz, 'UTC') order by 1`,
      [window],
    )
  ).rows.map(({ project, calls }) => `${project} ${calls}`);
const monthCalls = async () =>
  (
    await system.pool.query(
      `select p.slug as project, sum(u.sum)::text as calls from usage_monthly u join projects p on p.id = u.project_id group by 1 order by 1`,
    )
  ).rows.map(({ project, calls }) => `${project} ${calls}`);

test('a metric is declared, asked for by the clock, counted, shown and asked for again; a worker may be killed', async () => {
  write('a.log.gz', ['web', 'web', 'app']);
  expect(await apply()).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await apply()).stdout).toContain('unchanged');
  expect((await apply({ name: 'other' })).stderr).toContain(
    'meter api_calls is fed by posthoc:alb, and a meter has one source only',
  );
  expect((await apply({ window: 'day' })).stderr).toContain('window cannot be changed');
  expect((await odometer('posthoc', 'list')).stdout).toMatch(/alb +duckdb +api_calls +hour +1m/);

  // Its start is a bell: all that is due is asked for.
  await startWorker('events,periods');
  const worker = await startWorker('posthoc');
  await eventually(async () => expect(await monthCalls()).toEqual(['app 1', 'web 2']), {
    deadlineMs: 60_000,
  });
  // In the view that people look at, while it is that month.
  if (window.slice(0, 7) === new Date().toISOString().slice(0, 7)) {
    expect(await calls()).toEqual(['app 1', 'web 2']);
  }
  await eventually(async () => {
    expect((await odometer('posthoc', 'runs', 'alb')).stdout).toMatch(/ 1 +done .* 2 +3 +3 +0/);
  });

  write('b.log', ['web', 'new']);
  const tested = await odometer('posthoc', 'test', 'alb', '--window', window);
  expect(tested).toMatchObject({ exitCode: 0, stderr: '' });
  expect(tested.stdout).toMatch(/acme +web +3/);
  expect(tested.stdout).toContain('Nothing was shipped.');
  expect(await monthCalls()).toEqual(['app 1', 'web 2']);

  await odometer('posthoc', 'run', 'alb', '--window', window, '--no-wait');
  await worker.kill();
  await startWorker('posthoc');
  await eventually(async () => expect(await monthCalls()).toEqual(['app 1', 'new 1', 'web 3']), {
    deadlineMs: 60_000,
  });

  const again = await odometer('posthoc', 'run', 'alb', '--window', window, '--json');
  expect(again.json()).toMatchObject({ revision: 3, state: 'done', difference: '0', total: '5' });
  write('a.log.gz', []);
  write('b.log', []);
  const held = await odometer('posthoc', 'run', 'alb', '--window', window);
  expect(held).toMatchObject({ exitCode: 1 });
  expect(held.stdout).toContain('held: it fell from 5 to 0');
  const accepted = await odometer('posthoc', 'run', 'alb', '--window', window, '--accept-fall');
  expect(accepted.exitCode).toBe(0);
  await eventually(async () => expect(await monthCalls()).toEqual(['app 0', 'new 0', 'web 0']));

  expect((await apply({ sql: REQUESTS.replace('split_part', 'no_such_function') })).exitCode).toBe(
    0,
  );
  const wrong = await odometer('posthoc', 'test', 'alb', '--window', window);
  expect(wrong).toMatchObject({ exitCode: 1 });
  expect(wrong.stderr).toContain('no_such_function');
  // That a query is wrong is an answer to who tests it, and no job that failed.
  expect(wrong.stderr).not.toContain('dead letter');
  expect((await system.pool.query('select from dead_letters')).rowCount).toBe(0);
  expect(await odometer('posthoc', 'runs', 'nope')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('nothing declared'),
  });
  expect((await odometer('posthoc', 'test', 'alb', '--window', '2026-01-01T00:30Z')).exitCode).toBe(
    1,
  );

  // What was counted of a window that is forgotten would be counted again.
  await system.pool.query('update posthoc_metrics set forgotten_before = $1', [
    new Date(windowMs + HOUR_MS),
  ]);
  const forgotten = await odometer('posthoc', 'run', 'alb', '--window', window);
  expect(forgotten).toMatchObject({ exitCode: 1 });
  expect(forgotten.stderr).toContain('what was counted until then is forgotten');
  await system.pool.query('update posthoc_metrics set forgotten_before = null');
  const tooOld = new Date(windowMs - 401 * 24 * HOUR_MS).toISOString().replace('.000', '');
  expect((await odometer('posthoc', 'run', 'alb', '--window', tooOld)).stderr).toContain(
    'what was counted until then is forgotten',
  );
  expect((await odometer('posthoc', 'runs', 'alb')).stdout).not.toMatch(/ planned /);

  // What was shipped twice, by the worker that was killed and by the next, is in the books as such.
  await eventually(async () => expect(await odometer('books')).toMatchObject({ exitCode: 0 }));
});
