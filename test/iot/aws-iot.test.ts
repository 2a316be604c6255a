import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readBooks } from '@odometer/database/books';
import { createPool, type Pool } from '@odometer/database/pool';
import { findJobs } from '@odometer/queues/find-jobs';
import { JobQueue } from '@odometer/queues/job-queue';
import { queuedBefore } from '@odometer/queues/queued-before';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { createTestDatabase } from '@odometer/testing/test-database';
import { startTestObjectStore, type TestObjectStore } from '@odometer/testing/test-object-store';
import { startTestRedis } from '@odometer/testing/test-redis';
import { type DeleteHoldingQueue, startDeleteHoldingQueue } from './delete-holding-queue.ts';

const [seed = 0] = seedsOfThisRun(1);
const random = seededRandom(seed);
const DEADLINE = { deadlineMs: 60_000, intervalMs: 100 };

let aws: TestObjectStore;
let sqs: DeleteHoldingQueue;
let redis: Awaited<ReturnType<typeof startTestRedis>>;
let redisWay: TcpProxy;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
let queueUrl: string;
let queues = 0;
const services: SpawnedService[] = [];

beforeAll(async () => {
  aws = await startTestObjectStore();
  sqs = await startDeleteHoldingQueue(aws.url);
});
afterAll(async () => {
  await sqs?.close();
  await aws?.stop();
});
beforeEach(async () => {
  queues += 1;
  queueUrl = await aws.createQueue(`messages-${queues}`);
  sqs.pass();
  redis = await startTestRedis();
  redisWay = await tcpProxy(redis.port);
  database = await createTestDatabase();
  pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 4 },
    () => undefined,
  );
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.kill()));
  await pool.end();
  await database.drop();
  await redisWay.close();
  await redis.stop();
});

async function spawn(name: string, env: Readonly<Record<string, string>>): Promise<SpawnedService> {
  const service = await spawnService(name, { DATABASE_URL: database.url, ...env });
  services.push(service);
  await service.ready(60_000);
  return service;
}

function startCounter(instance: string): Promise<SpawnedService> {
  return spawn('mqtt-counter', {
    ...aws.environment,
    AWS_ENDPOINT_URL_SQS: sqs.url,
    REDIS_URL: redisWay.url(redis.url),
    ODOMETER_IOT_QUEUE_URL: queueUrl,
    ODOMETER_IOT_REGION: aws.region,
    ODOMETER_INSTANCE: instance,
  });
}

function startWorker(): Promise<SpawnedService> {
  return spawn('stats-worker', { REDIS_URL: redis.url });
}

interface Sent {
  readonly topic: string;
  readonly id: string;
  readonly bytes: number;
}

let ids = 0;

function messages(count: number): readonly Sent[] {
  return Array.from({ length: count }, () => {
    ids += 1;
    const device = random.integer(1, 5);
    return {
      topic: `roboticks/acme/fleet/d${device}/${random.next() < 0.3 ? 'cmd' : 'up'}`,
      id: `id-${ids}`,
      bytes: random.integer(0, 12_000),
    };
  });
}

const send = (sent: readonly Sent[]) =>
  aws.send(
    queueUrl,
    sent.map((message) => JSON.stringify({ ...message, timestamp: Date.now() })),
  );

/** What the messages come to, told apart by meter, when each counts once. */
function expected(sent: readonly Sent[]): Record<string, string> {
  const sums: Record<string, number> = {};
  for (const { topic, bytes } of sent) {
    const meter = topic.endsWith('/cmd') ? 'mqtt_outbound' : 'mqtt_inbound';
    const size = topic.length + bytes;
    for (const [name, quantity] of [
      [meter, 1],
      [`${meter}_bytes`, size],
      [`${meter}_units`, Math.ceil(size / 5_120)],
    ] as const) {
      sums[name] = (sums[name] ?? 0) + quantity;
    }
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, String(sum)]));
}

async function totals(table: 'usage_hourly' | 'usage_monthly'): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ slug: string; sum: string }>(
    `select m.slug, sum(u.sum)::text as sum from ${table} u join meters m on m.id = u.meter_id group by 1`,
  );
  return Object.fromEntries(rows.map(({ slug, sum }) => [slug, sum]));
}

async function expectExact(sent: readonly Sent[]): Promise<void> {
  await eventually(async () => {
    expect(await totals('usage_hourly')).toEqual(expected(sent));
  }, DEADLINE);
  expect(await totals('usage_monthly')).toEqual(expected(sent));
}

/** Figures of the books of messages, when they close. */
async function books(): Promise<Record<string, number>> {
  const connection = createProducerRedis({ url: redis.url });
  const counts = new JobQueue('counts', connection);
  try {
    await eventually(async () => (await counts.depth()) !== undefined);
    const { kinds, closed } = await readBooks(pool, async (kind, jobIds) =>
      kind === 'mqtt' ? findJobs(counts, jobIds) : new Map(),
    );
    expect(closed).toBe(true);
    const figures = kinds.find(({ kind }) => kind === 'mqtt')?.figures ?? {};
    return Object.fromEntries(
      Object.entries(figures)
        .map(([name, items]) => [name, Number(items)] as const)
        .filter(([, items]) => items > 0),
    );
  } finally {
    await counts.stop();
    connection.disconnect();
  }
}

const queueIsEmpty = async (): Promise<void> => {
  await eventually(async () => {
    const { ready, inFlight } = await aws.queueDepth(queueUrl);
    return ready + inFlight === 0;
  }, DEADLINE);
};

test(`two counters on one queue: duplicates count once, conflicts and rejections are booked (SEED=${seed})`, async () => {
  await Promise.all([startWorker(), startCounter('a'), startCounter('b')]);
  const sent = messages(300);
  const again = random.shuffle([...sent, ...sent.slice(0, 150)]);
  await send(again);
  await queueIsEmpty();
  await expectExact(sent);
  const changed = sent.slice(0, 7).map((message) => ({ ...message, bytes: message.bytes + 1 }));
  await send([...changed, ...changed, ...sent.slice(0, 5)]);
  await aws.send(queueUrl, [
    'no json',
    JSON.stringify({ topic: 'elsewhere/a', id: '1', bytes: 1 }),
    JSON.stringify({ topic: 'roboticks/acme/fleet/d1/up', bytes: 1 }),
    JSON.stringify({ topic: 'roboticks/acme/fleet/d1/up', id: '1' }),
  ]);
  await queueIsEmpty();
  await eventually(async () => {
    expect(await books()).toEqual({
      received: 473,
      rejected: 4,
      accepted: 469,
      counted: 300,
      duplicate: 155,
      conflicting: 14,
    });
  }, DEADLINE);
  await expectExact(sent);
  const { rows } = await pool.query('select 1 from event_conflicts');
  expect(rows).toHaveLength(7);
  const metrics = await Promise.all(
    services.map((each) =>
      each.metric('odometer_mqtt_messages_rejected_total{reason="invalid_id"}'),
    ),
  );
  expect(metrics.reduce((sum: number, each) => sum + (each ?? 0), 0)).toBe(1);
}, 120_000);

test('what lies in Redis is in flight, holds its organization’s month up, and counts once when a worker comes', async () => {
  await startCounter('a');
  const sent = messages(50);
  await send(sent);
  await queueIsEmpty();
  await eventually(async () => {
    expect(await books()).toEqual({ received: 50, accepted: 50, in_flight: 50 });
  }, DEADLINE);
  const connection = createProducerRedis({ url: redis.url });
  const counts = new JobQueue('counts', connection);
  const holdUps = await eventually(() => queuedBefore([counts], Date.now() + 60_000));
  expect(holdUps).toMatchObject([{ organizations: new Set(['acme']) }]);
  await counts.stop();
  connection.disconnect();
  await startWorker();
  await expectExact(sent);
}, 120_000);

test('a counter that is killed between making messages durable and deleting them loses and doubles nothing', async () => {
  await startWorker();
  const counter = await startCounter('a');
  sqs.hold();
  const sent = messages(120);
  await send(sent);
  await expectExact(sent);
  await eventually(() => sqs.held > 0);
  await counter.kill('SIGKILL');
  sqs.pass();
  await sqs.handOutAgain(queueUrl);
  expect((await aws.queueDepth(queueUrl)).ready).toBe(120);
  await startCounter('a');
  await queueIsEmpty();
  await eventually(async () => {
    expect(await books()).toMatchObject({ accepted: 240, counted: 120, duplicate: 120 });
  }, DEADLINE);
  await expectExact(sent);
}, 120_000);

test('while Redis is away messages stay in the queue, and count once when it is back', async () => {
  await startWorker();
  const counter = await startCounter('a');
  redisWay.refuse();
  const sent = messages(100);
  await send(sent);
  await eventually(async () => (await aws.queueDepth(queueUrl)).inFlight === 100, DEADLINE);
  expect(await counter.isReady()).toBe(false);
  expect(await counter.metric('odometer_iot_queue_messages_total{outcome="deleted"}')).toBe(0);
  redisWay.pass();
  await expectExact(sent);
  await queueIsEmpty();
  expect(await counter.metric('odometer_mqtt_messages_accepted_total')).toBe(100);
}, 120_000);

test('a stop during a long poll is quick and clean: the epoch is sealed at its last batch', async () => {
  await startWorker();
  const counter = await startCounter('a');
  const sent = messages(30);
  await send(sent);
  await queueIsEmpty();
  const stoppedAt = Date.now();
  const { code } = await counter.kill('SIGTERM');
  expect(code).toBe(0);
  expect(Date.now() - stoppedAt).toBeLessThan(10_000);
  await expectExact(sent);
  const { rows } = await pool.query(
    `select e.source, e.sealed_seq = max(b.seq) as at_last from source_epochs e
     join applied_batches b using (epoch) group by e.epoch`,
  );
  expect(rows).toEqual([{ source: 'iot-a', at_last: true }]);
}, 120_000);
