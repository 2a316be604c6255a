import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { claimBatches } from '@odometer/database/applied-batches';
import { storeDeadLetter } from '@odometer/database/dead-letters';
import { createPool, inTransaction, type Pool } from '@odometer/database/pool';
import { acknowledge, openEpoch } from '@odometer/database/sources';
import { batchJobId } from '@odometer/domain/batch';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { runOdometer } from '@odometer/testing/run-odometer';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

// Every run is a process that starts, which takes seconds on a machine that is busy with other tests.
jest.setTimeout(120_000);

let database: TestDatabase;
let pool: Pool;
let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
let queue: JobQueue<'counts'>;
beforeAll(async () => {
  [database, server] = await Promise.all([createTestDatabase(), startTestRedis()]);
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 2 }, () => {});
  redis = createProducerRedis({ url: server.url });
  await waitUntilReady(redis);
  queue = new JobQueue('counts', redis);
});
afterAll(async () => {
  await queue.stop();
  redis.disconnect();
  await pool.end();
  await Promise.all([database.drop(), server.stop()]);
});

const SOURCE = 'mqtt-counter-0';
let epoch: string;
const books = (seq: number) => ({ received: seq * 11, rejected: seq, accepted: seq * 10 });

const batch = (seq: number) => ({
  source: SOURCE,
  epoch,
  seq,
  books: books(seq),
  frozenAtMs: Date.now(),
  mark: null,
  messages: 10,
  hours: [],
});

const enqueue = (seq: number) =>
  queue.add('count-batch', batch(seq), batchJobId({ source: SOURCE, epoch, seq }));

const apply = (...seqs: number[]) =>
  inTransaction(pool, (transaction) =>
    claimBatches(
      transaction,
      seqs.map((seq) => ({ source: SOURCE, epoch, seq, books: books(seq), items: 10 })),
    ),
  );

const odometer = (...args: string[]) =>
  runOdometer(args, { DATABASE_URL: database.url, REDIS_URL: server.url });

/** Five batches were acknowledged; the first three are applied, the others in Redis. */
beforeEach(async () => {
  await pool.query(
    'truncate sources, source_epochs, applied_batches, dead_letters restart identity',
  );
  await redis.flushall();
  epoch = await openEpoch(pool, { source: SOURCE, kind: 'mqtt', instance: 'counter-0' });
  await apply(1, 2, 3);
  await enqueue(4);
  await enqueue(5);
  await acknowledge(pool, { epoch, seq: 5, books: books(5) });
});

const makeOld = () =>
  pool.query("update source_epochs set acknowledged_at = acknowledged_at - interval '2 minutes'");

describe('odometer books', () => {
  test('closes while batches wait in Redis, and measures them', async () => {
    await makeOld();
    const run = await odometer('books', '--json');
    expect(run.exitCode).toBe(0);
    expect(run.json()).toMatchObject({
      closed: true,
      kinds: [
        { kind: 'events' },
        {
          kind: 'mqtt',
          figures: { received: 55, rejected: 5, accepted: 50, counted: 30, in_flight: 20, lost: 0 },
        },
        { kind: 'objects' },
      ],
    });
    const text = (await odometer('books')).stdout;
    expect(text).toMatch(/in flight +0 +20 +0\n/);
    expect(text).toContain('The books are closed as of ');
  });

  test('finds what FLUSHALL took, says where, how much and since when, and fails', async () => {
    await redis.flushall();
    const young = await odometer('books');
    expect(young.exitCode).toBe(0);
    expect(young.stdout).toContain('not found yet: batches 4–5');
    await makeOld();
    const run = await odometer('books');
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain(
      `mqtt: lost: batches 4–5 of ${SOURCE}, epoch ${epoch}: 20 items, missing since `,
    );
    expect(run.stderr).toBe('');
    expect((await odometer('books', '--json')).json()).toMatchObject({
      closed: false,
      kinds: [{}, { lost: [{ source: SOURCE, seqs: [[4, 5]], items: 20 }] }, {}],
    });
  });

  test('knows a dead letter, and retrying it puts its batch back into flight', async () => {
    await redis.flushall();
    await enqueue(5);
    await storeDeadLetter(pool, {
      queue: 'counts',
      jobId: batchJobId({ source: SOURCE, epoch, seq: 4 }),
      jobName: 'count-batch',
      payload: JSON.stringify(batch(4)),
      reason: 'Error: boom\n  at somewhere',
      attempts: 60,
      epoch,
      seq: 4,
      items: 10,
      organizations: null,
      acceptedAtMs: null,
      failedAtMs: Date.now(),
    });
    await makeOld();
    const dead = await odometer('books', '--json');
    expect(dead.exitCode).toBe(0);
    expect(dead.json()).toMatchObject({
      kinds: [{}, { figures: { dead: 10, in_flight: 10 } }, {}],
    });

    const listed = (await odometer('dead-letters', 'list', '--json')).json();
    expect(listed).toMatchObject([{ id: '1', queue: 'counts', items: 10, retriedAt: null }]);
    expect((await odometer('dead-letters', 'show', '1')).stdout).toContain('at somewhere');
    expect((await odometer('dead-letters', 'retry', '1')).exitCode).toBe(0);
    const retried = await odometer('books', '--json');
    expect(retried.json()).toMatchObject({
      kinds: [{}, { figures: { dead: 0, in_flight: 20 } }, {}],
    });

    await apply(4);
    const applied = await odometer('dead-letters', 'retry', '1', '--json');
    expect(applied.json()).toEqual({ id: '1', outcome: 'applied' });
    expect((await odometer('dead-letters', 'retry', '7')).exitCode).toBe(1);
  });
});
