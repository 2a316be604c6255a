import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { batchJobId } from '@odometer/domain/batch';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { type IngestBooks, REFUSAL_CODES } from '@odometer/intake/refusal';
import type { EventBatch } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { stressComponent } from '@odometer/service-kit/component-stress';
import { eventually } from '@odometer/testing/eventually';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { startTestRedis } from '@odometer/testing/test-redis';
import { pino } from 'pino';
import { type BatcherSettings, EventBatcher } from './event-batcher.ts';

let server: Awaited<ReturnType<typeof startTestRedis>>;
let proxy: TcpProxy;
let redis: ReturnType<typeof createProducerRedis>;
let queue: JobQueue<'events'>;
let epoch = 0;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  proxy = await tcpProxy(server.port);
  redis = createProducerRedis({ url: proxy.url(server.url), commandTimeoutMs: 1_000 });
  await eventually(() => redis.status === 'ready');
  queue = new JobQueue('events', redis);
  epoch += 1;
});
afterEach(async () => {
  await queue.stop();
  redis.disconnect();
  await proxy.close();
});

function makeBatcher(settings: Partial<BatcherSettings> = {}) {
  const books = new IntakeBooks(REFUSAL_CODES);
  const batcher = new EventBatcher({
    source: 'ingest',
    epoch: () => String(epoch),
    queue,
    books,
    settings: { lingerMs: 5, confirmDeadlineMs: 5_000, maxUnconfirmedBatches: 32, ...settings },
    log: pino({ enabled: false }),
    onDurable: () => undefined,
    onBug: (error) => {
      throw error;
    },
  });
  return { batcher, books };
}

let lastId = 0;
const makeEvents = (count: number): EventEnvelope[] =>
  Array.from({ length: count }, () => {
    lastId += 1;
    return {
      organization: 'o',
      project: 'p',
      id: String(lastId),
      source: 's',
      type: 't',
      subject: 'o/p',
      time: '2026-01-01T00:00:00Z',
      ingestedAtMs: 1,
    };
  });

/** The batches of this test's epoch, as Redis has them, in order of seq; fails when there is a hole. */
async function storedBatches(books: IngestBooks): Promise<EventBatch[]> {
  const batches: EventBatch[] = [];
  for (let seq = 1; seq <= books.frozenSeq; seq += 1) {
    const job = await queue.get(batchJobId({ source: 'ingest', epoch: String(epoch), seq }));
    if (job === undefined || !('events' in job.data)) throw new Error(`batch ${seq} is missing`);
    batches.push(job.data);
  }
  return batches;
}

const idsOf = (batches: readonly EventBatch[]) =>
  batches.flatMap(({ events }) => events.map(({ id }) => id));

test('concurrent requests share few batches, each event is in one of them, and the books hold in each', async () => {
  const { batcher, books } = makeBatcher();
  const sent = Array.from({ length: 320 }, () => makeEvents(1));
  books.reject('data', 7);
  // 32 clients, each sending its next event when the last one is durable.
  await Promise.all(
    Array.from({ length: 32 }, async (_, client) => {
      for (let i = client; i < sent.length; i += 32) await batcher.add(sent[i] ?? [], 200);
    }),
  );
  const batches = await storedBatches(books);
  expect(idsOf(batches).sort()).toEqual(
    sent
      .flat()
      .map(({ id }) => id)
      .sort(),
  );
  expect(batches.length).toBeLessThan(80);
  let accepted = 0;
  for (const batch of batches) {
    accepted += batch.events.length;
    expect(batch.books).toEqual({ received: accepted + 7, rejected: 7, accepted });
  }
  expect(books.acknowledgement()).toEqual({
    seq: batches.length,
    books: { received: 327, rejected: 7, accepted: 320 },
  });
});

test('a batch holds at most 1,000 events and about 1 MB; a request may span several', async () => {
  const { batcher, books } = makeBatcher();
  await Promise.all([
    batcher.add(makeEvents(1), 100), // Alone, and so frozen at once; the others fill the next.
    batcher.add(makeEvents(600), 600 * 100),
    batcher.add(makeEvents(600), 600 * 100),
    batcher.add(makeEvents(500), 5_000_000),
    batcher.add(makeEvents(1), 4_000_000),
  ]);
  const batches = await storedBatches(books);
  expect(batches[1]?.events).toHaveLength(1_000);
  expect(Math.max(...batches.slice(3).map(({ events }) => events.length))).toBeLessThanOrEqual(100);
  expect(idsOf(batches)).toHaveLength(1_702);
});

test('a reply that is lost after Redis has executed the command leaves one job, and the request is answered', async () => {
  const { batcher, books } = makeBatcher();
  const jobsBefore = (await queue.depth()).waiting;
  proxy.dropReplies({ match: (request) => request.includes('event-batch'), times: 2 });
  await batcher.add(makeEvents(3), 300);
  expect(proxy.dropped).toBeGreaterThan(0);
  expect(books.frozenSeq).toBe(1);
  expect(idsOf(await storedBatches(books))).toHaveLength(3);
  expect((await queue.depth()).waiting).toBe(jobsBefore + 1);
});

test('Redis away: requests are answered after the deadline, later ones at once, and what was frozen becomes durable in order', async () => {
  const { batcher, books } = makeBatcher({ confirmDeadlineMs: 300 });
  proxy.refuse();
  await eventually(() => redis.status !== 'ready');
  await expect(batcher.add(makeEvents(3), 300)).rejects.toMatchObject({
    code: 'events_not_confirmed',
  });
  await expect(batcher.add(makeEvents(2), 300)).rejects.toMatchObject({
    code: 'events_not_confirmed',
  });
  await eventually(() => batcher.refusal() !== undefined);
  const startedAtMs = Date.now();
  await expect(batcher.add(makeEvents(1), 100)).rejects.toMatchObject({
    code: 'ingest_unavailable',
  });
  expect(Date.now() - startedAtMs).toBeLessThan(100);

  proxy.pass();
  await eventually(() => batcher.unconfirmedBatches === 0);
  expect(batcher.refusal()).toBeUndefined();
  await batcher.add(makeEvents(1), 100);
  const batches = await storedBatches(books);
  expect(batches.map(({ events }) => events.length)).toEqual([3, 2, 1]);
  expect(books.acknowledgement()).toMatchObject({ seq: 3, books: { accepted: 6 } });
});

test('too many unconfirmed batches: events are refused at once and not taken', async () => {
  const { batcher, books } = makeBatcher({ confirmDeadlineMs: 500, maxUnconfirmedBatches: 2 });
  proxy.refuse();
  await eventually(() => redis.status !== 'ready');
  const pending = [batcher.add(makeEvents(1_000), 1e5), batcher.add(makeEvents(1_000), 1e5)];
  await expect(batcher.add(makeEvents(1), 100)).rejects.toMatchObject({
    code: 'ingest_unavailable',
  });
  const outcomes = await Promise.allSettled(pending);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(books.accepted).toBe(2_000);
  proxy.pass();
  await eventually(() => batcher.unconfirmedBatches === 0);
  expect(idsOf(await storedBatches(books))).toHaveLength(2_000);
});

test('a connection that breaks again and again under load leaves no hole and loses nothing that was answered', async () => {
  const { batcher, books } = makeBatcher();
  const answered: string[] = [];
  let running = true;
  const clients = Array.from({ length: 16 }, async () => {
    while (running) {
      const events = makeEvents(20);
      try {
        await batcher.add(events, 2_000);
        answered.push(...events.map(({ id }) => id));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
  for (let cut = 0; cut < 4; cut += 1) {
    const target = answered.length + 2_000;
    await eventually(() => answered.length >= target);
    proxy.refuse();
    await eventually(() => redis.status !== 'ready');
    proxy.pass();
  }
  running = false;
  await Promise.all(clients);
  await batcher.stop();
  const stored = idsOf(await storedBatches(books));
  expect(new Set(stored).size).toBe(stored.length);
  const storedIds = new Set(stored);
  expect(answered.filter((id) => !storedIds.has(id))).toEqual([]);
}, 30_000);

test('a client on its own does not wait for company', async () => {
  const { batcher } = makeBatcher({ lingerMs: 60_000 });
  for (let i = 0; i < 5; i += 1) await batcher.add(makeEvents(1), 100);
});

test('starts and stops in every order', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  await stressComponent(
    () => {
      const { batcher } = makeBatcher();
      // Something to stop with; refused when a stop came first.
      batcher.add(makeEvents(3), 300).catch(() => undefined);
      return batcher;
    },
    { seed, isStopped: (batcher) => batcher.unconfirmedBatches + batcher.fillingEvents === 0 },
  );
});

test('a stop makes durable what was taken, and takes nothing more', async () => {
  const { batcher, books } = makeBatcher({ lingerMs: 100 });
  const taken = [batcher.add(makeEvents(5), 500), batcher.add(makeEvents(5), 500)];
  expect(batcher.fillingEvents).toBe(5);
  await Promise.all([batcher.stop(), batcher.stop()]);
  await Promise.all(taken);
  expect(idsOf(await storedBatches(books))).toHaveLength(10);
  await expect(batcher.add(makeEvents(1), 100)).rejects.toMatchObject({
    code: 'ingest_unavailable',
  });
});
