import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { unfinishedRuns } from '@odometer/database/posthoc/plan-runs';
import { askTest, findTest } from '@odometer/database/posthoc/posthoc-tests';
import { type AthenaStatus, FakeAthena } from '@odometer/testing/fake-athena';
import { hourlySums } from '../../test/applier-fixture.ts';
import { ask } from '../../test/ask-posthoc.ts';
import { ATHENA_SQL, answerOf, athenaDeclaration } from '../../test/athena-fixture.ts';
import { openPosthoc } from '../../test/posthoc-fixture.ts';
import { processRun } from './process-run.ts';
import { runTest } from './run-test.ts';

/** Runs whose queries go on at Athena while nobody is at them. */

const athena = new FakeAthena();
const never = new AbortController().signal;
const RUNNING: AthenaStatus = { State: 'RUNNING' };
const SUCCEEDED: AthenaStatus = { State: 'SUCCEEDED', scannedBytes: 1_000 };
const DUE = '2026-08-15T12:00:00Z';
let posthoc: Awaited<ReturnType<typeof openPosthoc>>;

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  await athena.start();
});
afterAll(() => athena.stop());
beforeEach(async () => {
  athena.forget();
  posthoc = await openPosthoc();
});
afterEach(() => posthoc.close());

const declare = (change: object = {}) =>
  posthoc.declare('2026-08-15T10:20:00Z', {
    ...athenaDeclaration(athena),
    source: undefined,
    ...change,
  });
const answerWith = (...statuses: readonly AthenaStatus[]) => {
  athena.onStart = () => ({ statuses, result: answerOf([['web', '3']], { unmatched: 2 }) });
};
const stored = async () =>
  (await posthoc.pool.query('select * from posthoc_runs order by id')).rows;
const newest = async () => (await posthoc.runs())[0];
/** One look at each run that somebody should be at. */
async function lookOnce() {
  const runs = await unfinishedRuns(posthoc.pool, new Date(DUE), 100);
  return Promise.all(runs.map(({ id }) => processRun(posthoc.parts, id, never)));
}
const age = (seconds: number) =>
  posthoc.pool.query(
    `update posthoc_runs set started_at = clock_timestamp() - make_interval(secs => $1)`,
    [seconds],
  );

test('its job comes again, at first soon and then rarer, until there is an answer: it is counted as any other', async () => {
  await declare();
  answerWith({ State: 'QUEUED' }, RUNNING, RUNNING, SUCCEEDED);
  await posthoc.ring('2026-08-15T11:59:00Z');
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({
    state: 'done',
    total: '3',
    unmatchedLines: '2',
    scannedBytes: '1000',
  });
  expect(await hourlySums(posthoc.pool)).toEqual({ 'acme/web api_calls': '3' });
  expect(athena.executions).toHaveLength(1);
  // As the logs were when it was asked.
  const [run] = await stored();
  expect(run.as_of).toEqual(run.started_at);
});

test('until then it stays started, with the id of its query, and holds no job', async () => {
  await declare();
  answerWith(RUNNING);
  await posthoc.ring(DUE);
  const [run] = await stored();
  expect(run).toMatchObject({ state: 'started', execution_id: athena.executions[0]?.id });
  for (const [seconds, least, most] of [
    [1, 500, 1_500],
    [60, 5_000, 10_000],
  ] as const) {
    await age(seconds);
    const [again] = await lookOnce();
    expect(again?.afterMs).toBeGreaterThanOrEqual(least);
    expect(again?.afterMs).toBeLessThanOrEqual(most);
  }
});

test('past its deadline the query is stopped and the run has failed; the next attempt asks another one', async () => {
  await declare({ timeoutSeconds: 60 });
  answerWith(RUNNING);
  await posthoc.ring(DUE);
  await age(61);
  await lookOnce();
  expect(await newest()).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining('it takes more than 60 s'),
  });
  expect(athena.executions[0]?.statuses[0]?.State).toBe('CANCELLED');
  answerWith(SUCCEEDED);
  await posthoc.pool.query('update posthoc_runs set retry_at = $1', [DUE]);
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({ state: 'done', attempt: 2, total: '3' });
  expect(athena.executions).toHaveLength(2);
});

test('a query that failed is asked again under another token', async () => {
  await declare();
  answerWith({ State: 'FAILED', AthenaError: { ErrorCategory: 1, Retryable: true } });
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({ state: 'failed', failure: 'target_unavailable' });
  answerWith(SUCCEEDED);
  await posthoc.pool.query('update posthoc_runs set retry_at = $1', [DUE]);
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({ state: 'done', attempt: 2 });
  expect(new Set(athena.executions.map(({ token }) => token)).size).toBe(2);
});

test('a query that was declared otherwise between its start and the note of it is asked as it is now', async () => {
  await declare();
  answerWith(SUCCEEDED);
  // As if a worker had been killed: the query runs, and nobody knows its id.
  await posthoc.ring(DUE, { pool: failingAt(/set execution_id = \$3/) }).catch(() => undefined);
  expect(athena.executions).toHaveLength(1);
  expect((await stored())[0]).toMatchObject({ state: 'started', execution_id: null });
  await declare({ sql: ATHENA_SQL.replace('count(*)', 'sum(1)') });
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining('Idempotent parameters do not match'),
  });
  await posthoc.pool.query('update posthoc_runs set retry_at = $1', [DUE]);
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({ state: 'done', attempt: 2 });
});

test('a query of a metric that is declared otherwise while it runs is stopped, and asked as it is now', async () => {
  await declare();
  answerWith(RUNNING);
  await posthoc.ring(DUE);
  // What only says when it is asked, and what is believed, changes nothing of it.
  await declare({ maxFallPercent: 90 });
  await lookOnce();
  expect((await newest())?.state).toBe('started');
  await declare({ sql: ATHENA_SQL.replace('count(*)', 'sum(1)') });
  const [running] = athena.executions;
  if (running !== undefined) running.statuses = [SUCCEEDED];
  await lookOnce();
  expect(await newest()).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining('it was declared otherwise while its query ran'),
  });
  expect(athena.callsOf('StopQueryExecution')).toHaveLength(1);
  answerWith(SUCCEEDED);
  await posthoc.pool.query('update posthoc_runs set retry_at = $1', [DUE]);
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({ state: 'done', attempt: 2, total: '3' });
  expect(athena.executions).toHaveLength(2);
});

test('a start that is throttled is tried again with the same token, until the deadline', async () => {
  await declare();
  answerWith(SUCCEEDED);
  let refusals = 1_000;
  athena.onCall = ({ operation }) => {
    if (operation !== 'StartQueryExecution' || refusals === 0) return undefined;
    refusals -= 1;
    return { status: 400, type: 'TooManyRequestsException' };
  };
  await posthoc.ring(DUE, { looks: 1 });
  expect((await stored())[0]).toMatchObject({ state: 'started', execution_id: null, attempt: 1 });
  expect(posthoc.lines).toContainEqual(
    expect.objectContaining({ event: 'posthoc_query_unreachable' }),
  );
  refusals = 0;
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({ state: 'done', attempt: 1 });
  expect(athena.executions).toHaveLength(1);
}, 60_000);

test('a start that is throttled past the deadline has failed', async () => {
  await declare({ timeoutSeconds: 60 });
  athena.onCall = () => ({ status: 400, type: 'TooManyRequestsException' });
  await posthoc.ring(DUE, { looks: 1 });
  await age(61);
  await lookOnce();
  expect(await newest()).toMatchObject({ state: 'failed', failure: 'target_throttled' });
}, 60_000);

test('a query whose run was superseded is stopped: nobody will read its answer', async () => {
  await declare();
  answerWith(RUNNING);
  await posthoc.ring(DUE);
  const [run] = await stored();
  await ask(posthoc.pool, 'alb', '2026-08-15T10:00:00Z');
  await processRun(posthoc.parts, run.id, never);
  expect(athena.executions[0]?.statuses[0]?.State).toBe('CANCELLED');
  answerWith(SUCCEEDED);
  await posthoc.ring(DUE);
  expect(await newest()).toMatchObject({ revision: 2, state: 'done', total: '3' });
  // Once: it has an end.
  expect(athena.callsOf('StopQueryExecution')).toHaveLength(1);
});

test('not more than five run at once, however many windows are due', async () => {
  await declare({ lookback: 8 });
  answerWith(RUNNING);
  await posthoc.ring(DUE);
  expect(athena.executions).toHaveLength(5);
  const states = (await stored()).map(({ state }) => state);
  expect(states.filter((state) => state === 'planned')).toHaveLength(4);
  for (const execution of athena.executions) execution.statuses = [SUCCEEDED];
  answerWith(SUCCEEDED);
  await posthoc.ring(DUE);
  expect(new Set((await stored()).map(({ state }) => state))).toEqual(new Set(['done']));
  expect(athena.executions).toHaveLength(9);
});

test('an answer that somebody wants to see is waited for in the same way', async () => {
  await declare();
  answerWith(RUNNING, RUNNING, SUCCEEDED);
  const id = randomUUID();
  const windowStart = new Date('2026-08-15T10:00:00Z');
  const windowEnd = new Date('2026-08-15T11:00:00Z');
  await askTest(posthoc.pool, { id, metric: 'alb', windowStart, windowEnd });
  expect(await runTest(posthoc.parts, id, never)).toEqual({ afterMs: expect.any(Number) });
  expect(await runTest(posthoc.parts, id, never)).toEqual({ afterMs: expect.any(Number) });
  expect(await runTest(posthoc.parts, id, never)).toBeUndefined();
  expect(await findTest(posthoc.pool, id)).toMatchObject({
    failure: null,
    executionId: athena.executions[0]?.id,
    answer: { rowCount: 1, unmatchedLines: 2, rows: [{ project: 'web', value: '3' }] },
  });
  expect(athena.callsOf('StartQueryExecution')).toHaveLength(1);
});

/** The pool, but for a statement that finds Postgres away. */
function failingAt(statement: RegExp): typeof posthoc.pool {
  return new Proxy(posthoc.pool, {
    get(pool, name) {
      const value: unknown = Reflect.get(pool, name);
      if (typeof value !== 'function') return value;
      if (name !== 'query') return value.bind(pool);
      return (text: unknown, ...rest: readonly unknown[]) =>
        statement.test(String(text))
          ? Promise.reject(new Error('Connection terminated'))
          : value.call(pool, text, ...rest);
    },
  });
}
