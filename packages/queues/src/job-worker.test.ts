import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { OdometerError } from '@odometer/domain/errors';
import { eventually } from '@odometer/testing/eventually';
import { spawnTypescript } from '@odometer/testing/spawn-typescript';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Connections, countBatch, flush, MemoryLog } from '../test/jobs.ts';
import { ComeAgain } from './come-again.ts';
import type { JobQueue } from './job-queue.ts';
import { JobWorker, type Processor } from './job-worker.ts';
import { createWorkerRedis } from './redis-connection.ts';

const connections = new Connections();
const workers: JobWorker<'counts'>[] = [];
let server: Awaited<ReturnType<typeof startTestRedis>>;
let queue: JobQueue<'counts'>;

beforeAll(async () => {
  server = await startTestRedis();
  queue = await connections.counts(server.url);
});
beforeEach(() => flush(queue));
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop();
});
afterAll(async () => {
  await connections.close();
  await server.stop();
});

const log = new MemoryLog();

async function startWorker(
  process: Processor<'counts'>,
  options: { concurrency?: number; deadlineMs?: number; stopDeadlineMs?: number } = {},
): Promise<JobWorker<'counts'>> {
  const redis = connections.add(createWorkerRedis({ url: server.url }));
  const worker = new JobWorker({
    queue: 'counts',
    redis,
    process,
    concurrency: 1,
    log,
    ...options,
  });
  workers.push(worker);
  await worker.start();
  return worker;
}

const add = (seq: number) => queue.add('count-batch', countBatch(seq), `counter.7.${seq}`);

const field = (seq: number, name: string) =>
  queue.run((redis) => redis.hget(queue.key(`counter.7.${seq}`), name));

const emptied = async () => {
  expect(await queue.depth()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
};

test('a job that is done leaves Redis, with nothing of it kept', async () => {
  await add(1);
  const seen: unknown[] = [];
  const worker = await startWorker(async (job) => {
    seen.push(job);
  });
  await eventually(emptied);
  expect(seen).toEqual([{ name: 'count-batch', jobId: 'counter.7.1', payload: countBatch(1) }]);
  expect(await queue.get('counter.7.1')).toBeUndefined();
  await eventually(() => expect(worker.counts).toMatchObject({ processed: 1, failed: 0 }));
  expect(worker.progress()).toBe(1);
});

test('a job that is to come again does so in its time; meanwhile nobody holds it, and no attempt is used up', async () => {
  await add(1);
  await add(2);
  const calls: string[] = [];
  const startedMs = performance.now();
  let cameAgainMs = 0;
  const worker = await startWorker(async ({ jobId }) => {
    calls.push(jobId);
    if (jobId !== 'counter.7.1') return;
    if (calls.filter((id) => id === jobId).length < 4) throw new ComeAgain(200);
    cameAgainMs = performance.now() - startedMs;
  });
  await eventually(async () => expect((await queue.depth()).delayed).toBe(1));
  expect(await field(1, 'atm')).toBeNull();
  await eventually(emptied);
  // The other one was not kept waiting.
  expect(calls.slice(0, 3)).toEqual(['counter.7.1', 'counter.7.2', 'counter.7.1']);
  expect(calls).toHaveLength(5);
  expect(cameAgainMs).toBeGreaterThanOrEqual(600);
  expect(worker.counts).toMatchObject({ processed: 2, retried: 0, failed: 0 });
  // The watchdog sees that something happens.
  expect(worker.progress()).toBe(5);
});

test('a job that is to come again does so at another worker when its own has stopped', async () => {
  await add(1);
  let calls = 0;
  const process = async () => {
    calls += 1;
    if (calls === 1) throw new ComeAgain(1_000);
  };
  const first = await startWorker(process);
  await eventually(async () => expect((await queue.depth()).delayed).toBe(1));
  await first.stop();
  await startWorker(process);
  await eventually(emptied);
  expect(calls).toBe(2);
});

test('works on as many jobs at a time as it was told', async () => {
  const release = deferred();
  for (let seq = 1; seq <= 20; seq += 1) await add(seq);
  const worker = await startWorker(() => release.promise, { concurrency: 16 });
  await eventually(() => expect(worker.active).toBe(16));
  release.resolve();
  await eventually(emptied);
});

test('an outage of Postgres costs no attempt, however long, and the job stays taken', async () => {
  await add(1);
  let calls = 0;
  const worker = await startWorker(async () => {
    calls += 1;
    if (calls <= 4)
      throw Object.assign(new Error('the database system is starting up'), { code: '57P03' });
    expect(await field(1, 'atm')).toBeNull();
    expect(await queue.depth()).toMatchObject({ active: 1, delayed: 0 });
  });
  await eventually(emptied);
  expect(calls).toBe(5);
  // Redis knows first that it is done.
  await eventually(() =>
    expect(worker.counts).toMatchObject({ processed: 1, retried: 0, infrastructureErrors: 4 }),
  );
});

test('any other failure costs one attempt and is tried again later', async () => {
  await add(1);
  let calls = 0;
  const attemptsMade: unknown[] = [];
  const worker = await startWorker(async () => {
    attemptsMade.push(await field(1, 'atm'));
    calls += 1;
    if (calls <= 2) throw new Error('a bug');
  });
  await eventually(emptied);
  expect(attemptsMade).toEqual([null, '1', '2']);
  expect(worker.counts).toMatchObject({ processed: 1, retried: 2, failed: 0 });
});

test('what can never succeed fails at once', async () => {
  await add(1);
  let calls = 0;
  const worker = await startWorker(async () => {
    calls += 1;
    throw new OdometerError('config_invalid', { count: 1, problems: 'x' });
  });
  await eventually(async () => expect(await queue.depth()).toMatchObject({ failed: 1 }));
  expect(calls).toBe(1);
  expect(worker.counts).toMatchObject({ failed: 1, retried: 0 });
  expect(log.events()).toContain('job_failed');
});

test('a job beyond its deadline is aborted and tried again, even when it does not listen', async () => {
  await add(1);
  const signals: AbortSignal[] = [];
  const worker = await startWorker(
    async (_job, signal) => {
      signals.push(signal);
      if (signals.length === 1) await new Promise(() => {});
    },
    { deadlineMs: 200 },
  );
  await eventually(emptied);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(signals[0]?.reason).toMatchObject({ code: 'job_deadline_exceeded' });
  expect(worker.counts).toMatchObject({ processed: 1, retried: 1 });
});

describe('stopping', () => {
  test('awaits the jobs in hand, and takes no more', async () => {
    const release = deferred();
    await add(1);
    await add(2);
    const worker = await startWorker(() => release.promise);
    await eventually(() => expect(worker.active).toBe(1));
    const stopping = worker.stop();
    release.resolve();
    await stopping;
    expect(worker.active).toBe(0);
    expect(await queue.depth()).toMatchObject({ waiting: 1, active: 0 });
  });

  test('puts back at once what waits for infrastructure, without costing an attempt', async () => {
    await add(1);
    const worker = await startWorker(async () => {
      throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    });
    await eventually(() => expect(worker.counts.infrastructureErrors).toBeGreaterThan(3));
    await worker.stop();
    expect(await queue.depth()).toMatchObject({ waiting: 1, active: 0 });
    expect(await field(1, 'atm')).toBeNull();
  });

  test('aborts what is not done by the deadline, and puts it back', async () => {
    await add(1);
    const signals: AbortSignal[] = [];
    const worker = await startWorker(
      async (_job, signal) => {
        signals.push(signal);
        await new Promise(() => {});
      },
      { stopDeadlineMs: 100 },
    );
    await eventually(() => expect(worker.active).toBe(1));
    await worker.stop();
    expect(signals[0]?.aborted).toBe(true);
    expect(await queue.depth()).toMatchObject({ waiting: 1, active: 0 });
  });

  test('leaves a job that goes on the time to remove what it has made', async () => {
    await add(1);
    let isRemoved = false;
    const worker = await startWorker(
      async (_job, signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await new Promise((resolve) => setTimeout(resolve, 300));
        isRemoved = true;
      },
      { stopDeadlineMs: 100 },
    );
    await eventually(() => expect(worker.active).toBe(1));
    await worker.stop();
    expect(isRemoved).toBe(true);
  });

  test('ends in time when Redis is away', async () => {
    const worker = await startWorker(async () => {}, { stopDeadlineMs: 100 });
    await add(1);
    await eventually(emptied);
    await server.kill();
    const startMs = performance.now();
    await worker.stop();
    expect(performance.now() - startMs).toBeLessThan(3_000);
    await server.start();
  });

  test('is safe before and after starting, and for good', async () => {
    const redis = connections.add(createWorkerRedis({ url: server.url }));
    const worker = new JobWorker({
      queue: 'counts',
      redis,
      process: async () => {},
      concurrency: 1,
      log,
    });
    await worker.stop();
    await worker.start();
    await add(1);
    await worker.stop();
    expect(await queue.depth()).toMatchObject({ waiting: 1 });
  });
});

test('the job of a worker that was killed is taken up within 15 s', async () => {
  await add(1);
  const holder = spawnTypescript(new URL('../test/holding-worker.ts', import.meta.url), [
    server.url,
  ]);
  if (holder.stdout === null) throw new Error('no output');
  const [taken] = (await once(holder.stdout, 'data')) as [Buffer];
  expect(String(taken)).toBe('counter.7.1\n');
  const worker = await startWorker(async () => {});
  holder.kill('SIGKILL');
  const startMs = performance.now();
  await eventually(emptied, { deadlineMs: 15_000 });
  expect(performance.now() - startMs).toBeLessThan(15_000);
  expect(worker.counts).toMatchObject({ processed: 1, failed: 0, retried: 0 });
}, 60_000);

test('goes on without a restart when Redis was away for 16 s, longer than any of its waits', async () => {
  const done: number[] = [];
  await startWorker(
    async ({ payload }) => {
      done.push(payload.seq);
    },
    { concurrency: 8 },
  );
  await add(1);
  await eventually(emptied);
  await server.kill();
  await new Promise((resolve) => setTimeout(resolve, 16_000));
  await server.start();
  await eventually(() => add(2));
  await eventually(emptied);
  expect(done).toEqual([1, 2]);
}, 60_000);

test('a job in hand while Redis is killed and started is done', async () => {
  const release = deferred();
  await startWorker(() => release.promise);
  await add(1);
  await eventually(async () => expect(await queue.depth()).toMatchObject({ active: 1 }));
  await server.kill();
  await server.start();
  release.resolve();
  await eventually(emptied, { deadlineMs: 20_000 });
}, 40_000);

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
