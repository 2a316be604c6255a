import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { isOdometerError } from '@odometer/domain/errors';
import { eventually } from '@odometer/testing/eventually';
import { tcpProxy } from '@odometer/testing/tcp-proxy';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Connections, countBatch, flush } from '../test/jobs.ts';
import { ComeAgain } from './come-again.ts';
import { JobQueue } from './job-queue.ts';
import { JobWorker, type Processor } from './job-worker.ts';
import { createProducerRedis, createWorkerRedis } from './redis-connection.ts';

const connections = new Connections();
let server: Awaited<ReturnType<typeof startTestRedis>>;
let queue: JobQueue<'counts'>;

beforeAll(async () => {
  server = await startTestRedis();
  queue = await connections.counts(server.url);
});
beforeEach(() => flush(queue));
afterAll(async () => {
  await connections.close();
  await server.stop();
});

const unavailable = (error: unknown) => isOdometerError(error, 'queue_unavailable');

/** What `add` rejected with, and how soon. */
async function rejection(adding: Promise<unknown>): Promise<{ error: unknown; afterMs: number }> {
  const startMs = performance.now();
  const error = await adding.then(
    () => new Error('it did not reject'),
    (reason: unknown) => reason,
  );
  return { error, afterMs: performance.now() - startMs };
}

test('a job can be read back under its id, and only the first content counts', async () => {
  await queue.add('count-batch', countBatch(1, 5), 'counter.7.1');
  await queue.add('seal', { source: 'counter', epoch: '7', seq: 1, sealedBy: '8' }, 'counter.7.1');
  await expect(queue.get('counter.7.1')).resolves.toEqual({
    name: 'count-batch',
    data: countBatch(1, 5),
  });
  await expect(queue.get('counter.7.2')).resolves.toBeUndefined();
  await expect(queue.depth()).resolves.toEqual({ waiting: 1, active: 0, delayed: 0, failed: 0 });
});

test('jobs that were put off by a clock that was ahead come at once, with their turns, and others do not', async () => {
  const nowMs = Date.now();
  await queue.add('count-batch', countBatch(1), 'run.ahead', 3);
  await queue.add('count-batch', countBatch(2), 'run.soon');
  await queue.add('count-batch', countBatch(3), 'pull.ahead');
  const calls: string[] = [];
  const process: Processor<'counts'> = async ({ jobId }) => {
    calls.push(jobId);
    if (calls.length <= 3) throw new ComeAgain(jobId === 'run.soon' ? 3_600_000 : 86_400_000);
  };
  const redis = connections.add(createWorkerRedis({ url: server.url }));
  const worker = new JobWorker({
    queue: 'counts',
    redis,
    process,
    concurrency: 1,
    log: { warn() {}, error() {} },
  });
  await worker.start();
  await eventually(async () => expect((await queue.depth()).delayed).toBe(3));
  expect(await queue.hasten(nowMs + 2 * 86_400_000)).toBe(0);
  expect(await queue.hasten(nowMs + 2 * 3_600_000)).toBe(2);
  await eventually(async () =>
    expect(await queue.depth()).toEqual({ waiting: 0, active: 0, delayed: 1, failed: 0 }),
  );
  expect(calls.slice(3).sort()).toEqual(['pull.ahead', 'run.ahead']);
  await worker.stop();
});

test('jobs with a turn wait until none without one does, the lowest first; all of them are waiting', async () => {
  const taken: string[] = [];
  await queue.add('count-batch', countBatch(1), 'run.second', 2);
  await queue.add('count-batch', countBatch(2), 'run.last', 10_000_000);
  await queue.add('count-batch', countBatch(3), 'run.first', 1);
  await queue.add('count-batch', countBatch(4), 'pull.log');
  await expect(queue.depth()).resolves.toMatchObject({ waiting: 4 });
  const worker = new JobWorker({
    queue: 'counts',
    redis: connections.add(createWorkerRedis({ url: server.url })),
    process: async ({ jobId }) => {
      // Put off, it keeps its turn.
      if (jobId === 'run.first' && !taken.includes(jobId)) {
        taken.push(jobId);
        throw new ComeAgain(0);
      }
      taken.push(jobId);
    },
    concurrency: 1,
    log: { warn() {}, error() {} },
  });
  await worker.start();
  try {
    await eventually(() => expect(taken).toHaveLength(5));
  } finally {
    await worker.stop();
  }
  expect(taken).toEqual(['pull.log', 'run.first', 'run.first', 'run.second', 'run.last']);
});

test('a reply that is lost after Redis has run the command leaves one job', async () => {
  const proxy = await tcpProxy(server.port);
  try {
    const behind = await connections.counts(proxy.url(server.url));
    // Loads the script, so that the next request is the add and nothing else.
    await behind.add('count-batch', countBatch(1), 'counter.7.1');
    proxy.dropReplies({ match: (request) => request.includes('counter.7.2'), times: 1 });
    // ioredis sends it again on the next connection: the same id again.
    await behind.add('count-batch', countBatch(2), 'counter.7.2');
    expect(proxy.dropped).toBe(1);
    await expect(queue.depth()).resolves.toMatchObject({ waiting: 2 });
  } finally {
    await proxy.close();
  }
});

test('a Redis that is silent is an unknown outcome after the timeout; the same id again leaves one job', async () => {
  const patient = await connections.counts(server.url, 500);
  await patient.add('count-batch', countBatch(1), 'counter.7.1');
  server.signal('SIGSTOP');
  try {
    const { error, afterMs } = await rejection(
      patient.add('count-batch', countBatch(2), 'counter.7.2'),
    );
    expect(unavailable(error)).toBe(true);
    expect(afterMs).toBeLessThan(2_000);
  } finally {
    server.signal('SIGCONT');
  }
  await eventually(() => patient.add('count-batch', countBatch(2), 'counter.7.2'));
  await expect(queue.depth()).resolves.toMatchObject({ waiting: 2 });
});

test('a queue made while Redis is away rejects at once, and works when Redis comes', async () => {
  const redis = connections.add(createProducerRedis({ url: 'redis://127.0.0.1:1' }));
  const early = new JobQueue('counts', redis);
  for (const call of [
    () => early.add('count-batch', countBatch(1), 'counter.7.1'),
    () => early.get('counter.7.1'),
    () => early.depth(),
  ]) {
    const { error, afterMs } = await rejection(call());
    expect(unavailable(error)).toBe(true);
    expect(afterMs).toBeLessThan(200);
  }
  await early.stop();

  await server.kill();
  const url = server.url;
  const second = new JobQueue('counts', connections.add(createProducerRedis({ url })));
  const { error } = await rejection(second.add('count-batch', countBatch(1), 'counter.7.1'));
  expect(unavailable(error)).toBe(true);
  await server.start();
  await eventually(() => second.add('count-batch', countBatch(1), 'counter.7.1'));
  await second.stop();
});

test('an add in flight when Redis is killed rejects soon, and a restart is noticed without help', async () => {
  await queue.add('count-batch', countBatch(1), 'counter.7.1');
  server.signal('SIGSTOP');
  const adding = rejection(queue.add('count-batch', countBatch(2), 'counter.7.2'));
  await server.kill();
  const { error, afterMs } = await adding;
  expect(unavailable(error)).toBe(true);
  expect(afterMs).toBeLessThan(4_000);
  await server.start();
  await eventually(() => queue.add('count-batch', countBatch(2), 'counter.7.2'));
  await expect(queue.depth()).resolves.toMatchObject({ waiting: 2 });
});

test('ids that BullMQ would mistake are a bug, told at once', async () => {
  for (const id of ['wait', 'a:b.c', '1.5', '']) {
    await expect(queue.add('count-batch', countBatch(1), id)).rejects.toThrow(TypeError);
  }
});

test('a payload that is no JSON is a bug, not an outage', async () => {
  const payload = { ...countBatch(1), messages: 1n as unknown as number };
  await expect(queue.add('count-batch', payload, 'counter.7.1')).rejects.toThrow(TypeError);
});

test('keeps the event stream, which nobody reads, short', async () => {
  await queue
    .run((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no'))
    .catch(() => {});
  await eventually(async () => {
    const limit = await queue.run((redis) => redis.hget(queue.key('meta'), 'opts.maxLenEvents'));
    expect(limit).toBe('100');
  });
});

test('producers leave room in a full Redis for the workers, and go on when there is room again', async () => {
  await queue.run((redis) => redis.setrange('ballast', 50_000_000, 'x'));
  const info = await queue.run((redis) => redis.info('memory'));
  const usedBytes = Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
  const maxmemory = Math.round(usedBytes / 0.93);
  await queue.run((redis) => redis.config('SET', 'maxmemory', maxmemory));
  const error = await eventually(async () => {
    const { error } = await rejection(queue.add('count-batch', countBatch(1), 'counter.7.1'));
    expect(unavailable(error)).toBe(true);
    return error;
  });
  expect(String(error)).toMatch(/nearly full/);
  // Redis itself still takes some: that is what workers live on.
  await queue.run((redis) => redis.set('worker', 'x'.repeat(10_000)));

  await queue.run((redis) => redis.del('ballast'));
  await eventually(() => queue.add('count-batch', countBatch(1), 'counter.7.1'));
  await queue.run((redis) => redis.config('SET', 'maxmemory', '0'));
});

test('a Redis that is full to the brim refuses, and takes the job when there is room again', async () => {
  await queue.add('count-batch', countBatch(1), 'counter.7.1');
  await queue.run((redis) => redis.config('SET', 'maxmemory', '1mb'));
  const { error } = await rejection(queue.add('count-batch', countBatch(2), 'counter.7.2'));
  expect(unavailable(error)).toBe(true);
  expect(String(error)).toMatch(/OOM/);
  await queue.run((redis) => redis.config('SET', 'maxmemory', '0'));
  await eventually(() => queue.add('count-batch', countBatch(2), 'counter.7.2'));
  await expect(queue.depth()).resolves.toMatchObject({ waiting: 2 });
});
