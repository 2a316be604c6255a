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
import { FakeAthena } from '@odometer/testing/fake-athena';
import { startTestRedis } from '@odometer/testing/test-redis';
import { hourlySums } from '../../test/applier-fixture.ts';
import { answerOf, athenaDeclaration } from '../../test/athena-fixture.ts';
import { killMoments } from '../../test/kill-moments.ts';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';

const WORKER = new URL('./killed-worker.fixture.ts', import.meta.url);
const FIRST = '2026-08-15T12:00:00Z';
/** Before the next window is due. */
const SECOND = '2026-08-15T12:30:00Z';

let program: string;
let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
let workerRedis: ReturnType<typeof createWorkerRedis>;
let worker: JobWorker<'events'>;
let queue: JobQueue<'events'>;
/** Whose events the queue holds now. */
let posthoc: Awaited<ReturnType<typeof openPosthoc>>;

beforeAll(async () => {
  program = await bundleFixture(WORKER);
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  await athena.start();
  server = await startTestRedis();
  redis = createProducerRedis({ url: server.url });
  await waitUntilReady(redis);
  workerRedis = createWorkerRedis({ url: server.url });
  queue = new JobQueue('events', redis);
  worker = new JobWorker({
    queue: 'events',
    redis: workerRedis,
    process: async (job) => {
      if (job.name === 'event-batch') await posthoc.events.apply([job.payload]);
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
  await athena.stop();
});

/** How an engine is made to answer. */
interface Asked {
  readonly engine: 'duckdb' | 'athena';
  readonly declaration: () => Readonly<Record<string, unknown>>;
  /** Of the one window that there is. */
  readonly answer: (values: Readonly<Record<string, number>>) => void;
  /** How many queries were started, of an engine whose queries go on when a worker is killed. */
  readonly started?: () => number;
}

const athena = new FakeAthena();
const rowsOf = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([project, value]) => [project, String(value)]);
const ENGINES: Readonly<Record<string, Asked>> = {
  DuckDB: {
    engine: 'duckdb',
    declaration: () => ({}),
    answer: (values) => {
      const lines = Object.entries(values).flatMap(([project, value]) =>
        Array.from({ length: value }, () => albLine('10:00:00', project)),
      );
      posthoc.write('alb/2026/08/15/a.log.gz', lines);
    },
  },
  Athena: {
    engine: 'athena',
    declaration: () => ({ ...athenaDeclaration(athena), source: undefined }),
    answer: (values) => {
      const result = answerOf(rowsOf(values));
      athena.onStart = () => ({ statuses: [{ State: 'RUNNING' }, { State: 'SUCCEEDED' }], result });
    },
    started: () => athena.executions.length,
  },
};

/** A window whose first answer is counted, and whose second one is another: up, down, gone and new. */
async function open({ declaration, answer }: Asked): Promise<void> {
  athena.forget();
  posthoc = await openPosthoc();
  await posthoc.declare('2026-08-15T10:20:00Z', {
    ...declaration(),
    maxFallPercent: 100,
    revisions: ['60m', '90m'],
  });
  answer({ up: 1, down: 2, gone: 1 });
  await posthoc.ring(FIRST);
  answer({ up: 3, down: 1, new: 1 });
}

/** @returns how many statements and commands it took; undefined: it was killed. */
async function runKilled(engine: string, when: string, nth: number): Promise<number | undefined> {
  const args = [posthoc.url, server.url, posthoc.directory, engine, SECOND, when, String(nth)];
  const child = spawn(process.execPath, [program, ...args], {
    // Of this context, with what is set in it.
    env: { ...process.env },
    stdio: ['ignore', 'pipe', 'inherit'],
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

async function expectOnce({ started }: Asked): Promise<void> {
  expect(await hourlySums(posthoc.pool)).toEqual({
    'acme/down api_calls': '1',
    'acme/gone api_calls': '0',
    'acme/new api_calls': '1',
    'acme/up api_calls': '3',
  });
  const { rows } = await posthoc.pool.query(
    `select split_part(subject, '/', 2) as project, array_agg(data ->> 'value' order by attributes ->> 'posthocrevision') as values
     from events group by 1 order by 1`,
  );
  // One query for each revision, however often somebody went on with it.
  if (started !== undefined) expect(started()).toBe(2);
  expect(rows).toEqual([
    { project: 'down', values: ['2', '-1'] },
    { project: 'gone', values: ['1', '-1'] },
    { project: 'new', values: ['1'] },
    { project: 'up', values: ['1', '2'] },
  ]);
}

test.each(Object.entries(ENGINES))(
  '%s: killed before, or while, any of its statements and commands is done: exactly one set of events',
  async (_name, asked) => {
    const deadlineMs = 60_000;
    let steps: number | undefined;
    let kills = 0;
    for (let nth = 1; steps === undefined; nth += 1) {
      for (const when of killMoments()) {
        await open(asked);
        try {
          steps = await runKilled(asked.engine, when, nth);
          if (steps !== undefined) break;
          kills += 1;
          // Another worker goes on, with a life of its own. The next bell may come while what was shipped is being counted.
          await posthoc.ring(SECOND);
          await eventually(
            async () => {
              const depth = await queue.depth();
              return depth.waiting + depth.active + depth.delayed === 0;
            },
            { deadlineMs },
          );
          await posthoc.ring(SECOND);
          expect((await posthoc.runs()).filter(({ state }) => state !== 'done')).toEqual([]);
          await expectOnce(asked);
        } finally {
          if (steps === undefined) await posthoc.close();
        }
      }
    }
    await expectOnce(asked);
    await posthoc.close();
    // Fewer would mean that the worker does not do what is tested.
    expect(steps).toBeGreaterThan(20);
    // More when it looked more often, the time before, whether all is counted.
    expect(kills).toBeGreaterThanOrEqual(killMoments().length * (steps ?? 0));
  },
  1_800_000,
);
