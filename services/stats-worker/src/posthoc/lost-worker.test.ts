import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { askTest, findTest } from '@odometer/database/posthoc/posthoc-tests';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';
import type { LocalEngine } from './engines/engine.ts';
import { runTest } from './run-test.ts';

jest.setTimeout(20_000);

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
  await posthoc.declare('2026-08-15T10:20:00Z');
  posthoc.write('alb/2026/08/15/a.log.gz', [albLine('10:00:00', 'web')]);
});
afterEach(() => posthoc.close());

/** One whose worker is gone while it answers: as far as Postgres knows, that is all that happens. */
function deadlyEngine() {
  const stopping = new AbortController();
  const asked: number[] = [];
  const engine: LocalEngine = {
    runsHere: true,
    start: async () => null,
    async answer() {
      asked.push(asked.length + 1);
      stopping.abort(new Error('killed'));
      throw stopping.signal.reason;
    },
  };
  const engines = { ...posthoc.parts.engines, duckdb: engine };
  return { engines, signal: stopping.signal, asked };
}

const ring = (change: Parameters<typeof posthoc.ring>[1] = {}) =>
  posthoc.ring('2026-08-15T12:00:00Z', change);

async function stateOfRun() {
  const { rows } = await posthoc.pool.query(
    `select state, attempt, failure, retry_at > clock_timestamp() + interval '30 minutes' as waits from posthoc_runs`,
  );
  return rows;
}

test('a query that ends its worker each time is not begun again at once for ever', async () => {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const { asked, ...deadly } = deadlyEngine();
    await expect(ring(deadly)).rejects.toThrow('killed');
    expect(asked).toHaveLength(1);
    expect(await stateOfRun()).toMatchObject([{ state: 'started', attempt }]);
  }
  const { asked, ...deadly } = deadlyEngine();
  await ring(deadly);
  expect(asked).toEqual([]);
  expect(await stateOfRun()).toEqual([
    { state: 'failed', attempt: 3, failure: 'worker_lost', waits: true },
  ]);
  expect(posthoc.lines).toContainEqual(
    expect.objectContaining({ event: 'posthoc_worker_lost', metric: 'alb', attempt: 3 }),
  );
  // When its time has come it may kill one worker more, and not three.
  await posthoc.pool.query("update posthoc_runs set retry_at = '2026-08-15T11:59Z'");
  await expect(ring(deadlyEngine())).rejects.toThrow('killed');
  await ring(deadlyEngine());
  expect(await stateOfRun()).toMatchObject([{ state: 'failed', attempt: 4 }]);
});

test('a worker that was killed once costs nothing: the next one begins at once', async () => {
  await expect(ring(deadlyEngine())).rejects.toThrow('killed');
  const [run] = await ring();
  expect(run).toMatchObject({ state: 'done', attempt: 2, detail: null });
});

test('the answer of a worker that was only slow is not believed twice', async () => {
  let resume = () => {};
  const paused = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const { duckdb } = posthoc.parts.engines;
  let reached = () => {};
  const isAsked = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const slow: LocalEngine = {
    runsHere: true,
    start: async () => null,
    async answer(query, execution, signal, sink) {
      const answer = await duckdb.answer(query, execution, signal, sink);
      if ('isRunning' in answer) throw new Error('it runs elsewhere');
      reached();
      await paused;
      return answer;
    },
  };
  const first = ring({ engines: { ...posthoc.parts.engines, duckdb: slow } });
  await isAsked;
  await ring();
  resume();
  await first;
  const { rows } = await posthoc.pool.query(
    'select sum(u.sum)::text as sum, (select count(*)::int from events) as events from usage_hourly u',
  );
  expect(rows).toEqual([{ sum: '1', events: 1 }]);
  expect(await stateOfRun()).toMatchObject([{ state: 'done', attempt: 2 }]);
});

test('nor is one that somebody wants to see', async () => {
  const id = '0189f7ea-ae2c-7809-8aeb-b819cf5e9e7f';
  const window = {
    windowStart: new Date('2026-08-15T10:00:00Z'),
    windowEnd: new Date('2026-08-15T11:00:00Z'),
  };
  await askTest(posthoc.pool, { id, metric: 'alb', ...window });
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const { engines, signal } = deadlyEngine();
    await expect(runTest({ pool: posthoc.pool, engines }, id, signal)).rejects.toThrow('killed');
  }
  const { engines, signal, asked } = deadlyEngine();
  await runTest({ pool: posthoc.pool, engines }, id, signal);
  expect(asked).toEqual([]);
  expect(await findTest(posthoc.pool, id)).toMatchObject({
    failure: expect.stringContaining('the worker was gone'),
  });
});
