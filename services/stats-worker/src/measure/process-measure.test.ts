import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { putMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import { dueTargets } from '@odometer/database/measuring/measurements';
import { createPool, type Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import type { Measure } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { MeasureCounts } from './measure-metrics.ts';
import { createMeasureProcessor, type Measurer } from './process-measure.ts';

let database: TestDatabase;
let pool: Pool;
let redis: ReturnType<typeof createProducerRedis>;
let queue: JobQueue<'measure'>;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 4 }, () => {});
  await putMeasuredTarget(pool, 'reading', 'app', {});
  // Nobody listens there: what is tested here asks for no further job.
  redis = createProducerRedis({ url: 'redis://127.0.0.1:1' });
  redis.on('error', () => {});
  queue = new JobQueue('measure', redis);
});
afterEach(async () => {
  redis.disconnect();
  await pool.end();
  await database.drop();
});

const payload: Measure = {
  kind: 'reading',
  target: 'app',
  purpose: 'hourly',
  options: {},
  part: 1,
};
async function process(
  measurer: Measurer,
  { counts = new MeasureCounts(), signal = new AbortController().signal } = {},
): Promise<unknown> {
  const silent = { info() {}, warn() {}, error() {} };
  const measurers = {
    bucket: measurer,
    registry: measurer,
    reading: measurer,
    cross_check: measurer,
  };
  const run = createMeasureProcessor({ pool, queue, measurers, counts, log: silent });
  const job = { id: 'reading.app', name: 'target', payload } as unknown as Parameters<
    typeof run
  >[0];
  await run(job, signal);
  return ended(counts);
}
const ended = (counts: MeasureCounts) => counts.byOutcome().filter(([, count]) => count > 0);
const measurements = async () =>
  (await pool.query('select state, failure from measurements order by id')).rows;
const isDue = async () => (await dueTargets(pool, new Date())).length > 0;

test('a target that is away is a measurement that failed, and not ours to wait for: it is due again', async () => {
  const away = new OdometerError('target_unavailable', { target: 'app', reason: 'no answer' });
  expect(await process(() => Promise.reject(away))).toEqual([
    [{ kind: 'reading', outcome: 'failed' }, 1],
  ]);
  expect(await measurements()).toEqual([{ state: 'failed', failure: 'target_unavailable' }]);
  expect(await isDue()).toBe(true);
});

test('a result that is not believed is not asked for again in this hour, one that is complete neither', async () => {
  const refused = new OdometerError('measurement_refused', { reason: 'no' });
  await process(() => Promise.reject(refused));
  expect(await isDue()).toBe(false);
  await pool.query('delete from measurements');
  await process(async () => ({ projects: 3 }));
  expect(await measurements()).toEqual([{ state: 'complete', failure: null }]);
  expect(await isDue()).toBe(false);
});

test('what we depend on ourselves is waited for: the measurement stays, and another job takes it up', async () => {
  const lost = Object.assign(new Error('terminating connection'), { code: '57P01' });
  await expect(process(() => Promise.reject(lost))).rejects.toBe(lost);
  expect(await measurements()).toEqual([{ state: 'running', failure: null }]);
  await process(async () => ({}));
  expect(await measurements()).toEqual([{ state: 'complete', failure: null }]);
});

test('the time of every part counts, also of one whose measurement another job goes on with', async () => {
  const counts = new MeasureCounts();
  const stop = new AbortController();
  const part: Measurer = async () => {
    const startedAt = performance.now();
    await eventually(() => performance.now() - startedAt > 30);
    stop.abort(new Error('the worker stops'));
    throw stop.signal.reason;
  };
  await expect(process(part, { counts, signal: stop.signal })).rejects.toThrow('the worker stops');
  const first = counts.seconds;
  expect(first).toBeGreaterThan(0.03);
  expect(ended(counts)).toEqual([]);
  await process(async () => ({}), { counts });
  expect(counts.seconds).toBeGreaterThan(first);
  expect(ended(counts)).toEqual([[{ kind: 'reading', outcome: 'complete' }, 1]]);
});
