import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { SessionLock } from '@odometer/database/session-lock';
import { JobSchedulers, type Schedule } from '@odometer/queues/job-schedulers';
import { type Job, JobWorker } from '@odometer/queues/job-worker';
import {
  createProducerRedis,
  createWorkerRedis,
  waitUntilReady,
} from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { BellKeeper } from './bell-keeper.ts';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
let schedulers: JobSchedulers<'periods'>;
const lines: Record<string, unknown>[] = [];
const log = {
  info: (fields: object) => lines.push({ ...fields }),
  warn: (fields: object) => lines.push({ ...fields }),
  error: (fields: object) => lines.push({ ...fields }),
};
const open: { release(): Promise<void> }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startTestRedis();
  redis = createProducerRedis({ url: server.url });
  await waitUntilReady(redis);
  schedulers = new JobSchedulers('periods', redis);
});
beforeEach(async () => {
  for (const lock of open.splice(0)) await lock.release();
  await eventually(() => redis.flushall());
  lines.length = 0;
});
afterAll(async () => {
  for (const lock of open) await lock.release();
  await schedulers.stop();
  redis.disconnect();
  await server.stop();
  await database.drop();
});

const OFTEN: Schedule<'periods'> = {
  id: 'hourly',
  recurrence: { everyMs: 50 },
  longestMs: 50,
  jobName: 'due',
  payload: { bell: 'hourly' },
};

function keeper(bells = [OFTEN], url = database.url): BellKeeper & { lock: SessionLock } {
  const lock = new SessionLock({ url, applicationName: 'scheduler test', key: [20, 0] });
  open.push(lock);
  return Object.assign(new BellKeeper({ lock, schedulers, bells, log }), { lock });
}

test('only the owner hangs bells; the standby does when it has become the owner', async () => {
  const [first, second] = [keeper(), keeper([OFTEN, { ...OFTEN, id: 'daily' }])];
  await first.look();
  await second.look();
  expect([first.isOwner, second.isOwner]).toEqual([true, false]);
  expect([first.bellsHung, second.bellsHung]).toEqual([1, undefined]);
  expect([first.counts.put, second.counts.put]).toEqual([1, 0]);
  await first.lock.release();
  await second.look();
  await first.look();
  expect([first.isOwner, second.isOwner]).toEqual([false, true]);
  expect(second.counts.put).toBe(1);
  expect(lines.map(({ event }) => event)).toEqual([
    'bells_owned',
    'bells_changed',
    'bells_owned',
    'bells_changed',
    'bells_left',
  ]);
});

test('a bell reaches whoever works on the queue, with its name and nothing else', async () => {
  await keeper().look();
  const heard: Pick<Job<'periods'>, 'name' | 'payload'>[] = [];
  const workerRedis = createWorkerRedis({ url: server.url });
  const worker = new JobWorker({
    queue: 'periods',
    redis: workerRedis,
    process: async ({ name, payload }) => {
      heard.push({ name, payload });
    },
    concurrency: 1,
    log,
  });
  await worker.start();
  await eventually(() => heard.length >= 3);
  await worker.stop();
  workerRedis.disconnect();
  expect(heard[0]).toEqual({ name: 'due', payload: { bell: 'hourly' } });
});

test('while Redis is away it stays the owner, counts and tells once, and hangs what is missing afterwards', async () => {
  const alone = keeper();
  await alone.look();
  await server.kill();
  await alone.look();
  await alone.look();
  expect(alone.isOwner).toBe(true);
  expect(alone.bellsHung).toBeUndefined();
  expect(alone.counts.errors).toEqual({ postgres: 0, redis: 2 });
  await server.start();
  await eventually(() => redis.flushall());
  await eventually(async () => {
    await alone.look();
    return alone.bellsHung === 1;
  });
  expect(alone.counts.put).toBe(2);
});

test('without Postgres nobody is the owner, and nothing is hung', async () => {
  const lost = keeper([OFTEN], 'postgres://nobody@127.0.0.1:1/nothing');
  await lost.look();
  await lost.look();
  expect(lost.isOwner).toBe(false);
  expect(lost.counts).toMatchObject({ put: 0, errors: { postgres: 2, redis: 0 } });
  expect(lines.filter(({ event }) => event === 'bells_not_kept')).toHaveLength(1);
});
