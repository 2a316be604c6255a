import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { JobQueue } from '@odometer/queues/job-queue';
import { JobWorker } from '@odometer/queues/job-worker';
import {
  createProducerRedis,
  createWorkerRedis,
  waitUntilReady,
} from '@odometer/queues/redis-connection';
import { bundleFixture } from '@odometer/testing/bundle-programs';
import { eventually } from '@odometer/testing/eventually';
import { startTestRedis } from '@odometer/testing/test-redis';
import { hourlySums } from '../../test/applier-fixture.ts';
import { killMoments } from '../../test/kill-moments.ts';
import { openPull, secretsOf } from '../../test/pull-fixture.ts';

const PULLER = new URL('./killed-puller.fixture.ts', import.meta.url);
/** The second page has one log, the third none. */
const PAGE_SIZE = 2;
const LOGS = 3;

let program: string;
let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
let workerRedis: ReturnType<typeof createWorkerRedis>;
let worker: JobWorker<'events'>;
let queue: JobQueue<'events'>;
/** Whose events the queue holds now. */
let pull: Awaited<ReturnType<typeof openPull>>;

beforeAll(async () => {
  program = await bundleFixture(PULLER);
  server = await startTestRedis();
  redis = createProducerRedis({ url: server.url });
  await waitUntilReady(redis);
  workerRedis = createWorkerRedis({ url: server.url });
  queue = new JobQueue('events', redis);
  worker = new JobWorker({
    queue: 'events',
    redis: workerRedis,
    process: async (job) => {
      if (job.name === 'event-batch') await pull.events.apply([job.payload]);
    },
    concurrency: 1,
    log: { warn() {}, error() {} },
  });
  await worker.start();
});
afterAll(async () => {
  await worker.stop();
  await queue.stop();
  redis.disconnect();
  workerRedis.disconnect();
  await server.stop();
});

/** A log of logins of one hour, and one that nobody asks for. */
async function open(): Promise<void> {
  pull = await openPull();
  const startMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
  for (let i = 0; i < LOGS; i += 1) {
    pull.auth0.write(new Date(startMs + i * 1_000), i === 1 ? { type: 'ssa' } : {});
  }
  await pull.declare({ pageSize: { parameter: 'take', count: PAGE_SIZE } });
}

/** @returns how many statements, commands and requests it took; undefined: it was killed. */
async function runPuller(when: string, nth: number): Promise<number | undefined> {
  const args = [pull.url, server.url, 'auth0-logs', when, String(nth)];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, ...secretsOf(pull.auth0) },
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const [code, signal] = await once(child, 'close');
  if (signal === 'SIGKILL') return undefined;
  if (code !== 0) throw new Error(`the worker ended with ${code}: ${text}`);
  return Number(text.trim());
}

/** Once all that is in the queue is applied. */
async function appliedEvents(): Promise<number> {
  await eventually(
    async () => {
      const { waiting, active, delayed } = await queue.depth();
      return waiting + active + delayed === 0;
    },
    { deadlineMs: 60_000 },
  );
  const { rows } = await pull.pool.query<{ n: number }>('select count(*)::int as n from events');
  return rows[0]?.n ?? 0;
}

async function expectOnce(): Promise<void> {
  expect(await appliedEvents()).toBe(LOGS - 1);
  expect(await hourlySums(pull.pool)).toEqual({ 'acme/website logins': String(LOGS - 1) });
}

/** Whoever moves the checkpoint has the events before it in the queue: what it has passed is counted without the next one. */
async function expectNothingSkipped(): Promise<void> {
  const events = await appliedEvents();
  const { checkpoint } = await pull.state();
  const passed = pull.auth0.logs.filter(
    ({ log_id, type }) => checkpoint !== null && log_id <= checkpoint && type === 's',
  );
  expect(events).toBeGreaterThanOrEqual(passed.length);
}

test('killed before, or while, any of its statements, commands and requests is done: each login counts once', async () => {
  let steps: number | undefined;
  let kills = 0;
  for (let nth = 1; steps === undefined; nth += 1) {
    for (const when of killMoments()) {
      await open();
      try {
        steps = await runPuller(when, nth);
        if (steps !== undefined) break;
        kills += 1;
        await expectNothingSkipped();
        // Another worker goes on, with a life of its own.
        expect(await runPuller('never', 0)).toBeGreaterThan(0);
        await expectOnce();
        expect(await pull.state()).toMatchObject({ caughtUp: true, failures: 0 });
      } finally {
        if (steps === undefined) await pull.close();
      }
    }
  }
  await expectOnce();
  expect(await pull.runs()).toMatchObject([{ pages: 3, items: String(LOGS) }]);
  await pull.close();
  // Fewer would mean that the worker does not do what is tested.
  expect(steps).toBeGreaterThan(25);
  expect(kills).toBe(killMoments().length * (steps ?? 0));
}, 900_000);
