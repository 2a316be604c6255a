import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@odometer/database/pool';
import { acknowledge, openEpoch, sealEpoch } from '@odometer/database/sources';
import { batchJobId } from '@odometer/domain/batch';
import type { CountBatch } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { createTestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { sealPredecessors } from './takeover.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
let pool: Pool;
let queue: JobQueue<'counts'>;
let source: string;
let sources = 0;
const books = { received: 0, rejected: 0, accepted: 0 };

beforeAll(async () => {
  [database, server] = await Promise.all([createTestDatabase(), startTestRedis()]);
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 4 }, () => {});
  redis = createProducerRedis({ url: server.url });
  await new Promise((resolve) => redis.once('ready', resolve));
  queue = new JobQueue('counts', redis);
});
afterAll(async () => {
  await queue.stop();
  redis.disconnect();
  await pool.end();
  await database.drop();
  await server.stop();
});
beforeEach(() => {
  sources += 1;
  source = `counter-${sources}`;
});

const open = (): Promise<string> => openEpoch(pool, { source, kind: 'mqtt', instance: 'test' });

const takeOver = (epoch: string): Promise<number | null> =>
  sealPredecessors({ pool, queue, source, epoch, signal: new AbortController().signal });

/** A flush whose mark is 100 × its seq. */
async function flush(epoch: string, seq: number, mark: number | null = seq * 100): Promise<void> {
  const batch: CountBatch = {
    source,
    epoch,
    seq,
    books,
    frozenAtMs: 0,
    mark,
    messages: 0,
    hours: [],
  };
  await queue.add('count-batch', batch, batchJobId(batch));
}

/** As the worker does it: in one transaction, then the job goes. */
async function apply(epoch: string, seq: number): Promise<void> {
  await pool.query(
    `with claimed as (
       insert into applied_batches (epoch, seq, received, rejected, accepted, items) values ($1, $2, 0, 0, 0, 0)
     )
     update source_epochs set mark = $3, mark_seq = $2 where epoch = $1 and mark_seq < $2`,
    [epoch, seq, seq * 100],
  );
  await redis.del(queue.key(batchJobId({ source, epoch, seq })));
}

const sealedSeq = async (epoch: string): Promise<number> =>
  (await sealEpoch(pool, epoch, 0)).sealedSeq;

test('who has no predecessor inherits nothing', async () => {
  expect(await takeOver(await open())).toBeNull();
});

test('the mark is that of the last durable flush, applied or not', async () => {
  const old = await open();
  for (const seq of [1, 2, 3]) await flush(old, seq);
  await apply(old, 1);
  const epoch = await open();
  expect(await takeOver(epoch)).toBe(300);
  expect(await sealedSeq(old)).toBe(3);
});

test('the mark is that of the last applied flush when Redis holds none', async () => {
  const old = await open();
  await flush(old, 1);
  await apply(old, 1);
  expect(await takeOver(await open())).toBe(100);
  expect(await sealedSeq(old)).toBe(1);
});

test('a flush that comes after the seal is not in the queue', async () => {
  const old = await open();
  await flush(old, 1);
  const epoch = await open();
  await takeOver(epoch);
  await flush(old, 2);
  const job = await queue.get(batchJobId({ source, epoch: old, seq: 2 }));
  expect(job).toEqual({ name: 'seal', data: { source, epoch: old, seq: 2, sealedBy: epoch } });
});

test('a flush that is applied while we look does not end the search', async () => {
  const old = await open();
  await flush(old, 1);
  await flush(old, 2);
  const epoch = await open();
  // The first look finds 1 not applied; when its seal is added, the worker has applied it and its job is gone.
  const racing = {
    name: 'counts',
    add: async (...args: Parameters<typeof queue.add>) => {
      if (args[2] === batchJobId({ source, epoch: old, seq: 1 })) await apply(old, 1);
      return queue.add(...args);
    },
    get: (jobId: string) => queue.get(jobId),
  } as unknown as JobQueue<'counts'>;
  const { signal } = new AbortController();
  expect(await sealPredecessors({ pool, queue: racing, source, epoch, signal })).toBe(200);
  expect(await sealedSeq(old)).toBe(2);
});

test('a flush that Redis lost does not hide those behind it, applied or acknowledged', async () => {
  const old = await open();
  for (const seq of [2, 4, 6]) await flush(old, seq);
  await apply(old, 2);
  await acknowledge(pool, { epoch: old, seq: 5, books });
  expect(await takeOver(await open())).toBe(600);
  expect(await sealedSeq(old)).toBe(6);
});

test('who dies before the first flush passes the mark on', async () => {
  const old = await open();
  await flush(old, 1);
  expect(await takeOver(await open())).toBe(100);
  expect(await takeOver(await open())).toBe(100);
});

test('a predecessor that died before it had taken over is no reason to forget the mark', async () => {
  const old = await open();
  await flush(old, 1);
  await open();
  expect(await takeOver(await open())).toBe(100);
});

test('a mark that is known to be none is passed on as none', async () => {
  const old = await open();
  await flush(old, 1);
  const second = await open();
  await takeOver(second);
  await flush(second, 1, null);
  expect(await takeOver(await open())).toBeNull();
});

test('taking over again after a failure gives the same answer', async () => {
  const old = await open();
  await flush(old, 1);
  const epoch = await open();
  expect(await takeOver(epoch)).toBe(100);
  expect(await takeOver(epoch)).toBe(100);
});
