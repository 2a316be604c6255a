import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { deliver } from '@odometer/s3-simulator/delivery';
import { s3Notification, s3TestEvent, snsEnvelope } from '@odometer/s3-simulator/notification';
import { randomHistory } from '@odometer/s3-simulator/random-history';
import { randomKeys } from '@odometer/s3-simulator/random-keys';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { SimulatedClock } from '@odometer/s3-simulator/simulated-clock';
import { eventually } from '@odometer/testing/eventually';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { startTestObjectStore, type TestObjectStore } from '@odometer/testing/test-object-store';
import { HookedSqs } from './hooked-sqs.fixture.ts';
import { WatcherFixture } from './watcher.fixture.ts';

/** From the queue to the ledger: watchers and a worker as processes, killed and cut off while a bucket tells of itself. */

jest.setTimeout(120_000);

let fixture: WatcherFixture;
let store: TestObjectStore;
let worker: SpawnedService | undefined;
/** Of the watcher that is killed. */
let sqs: HookedSqs;
let sqsOfSteady: HookedSqs;
beforeAll(async () => {
  [fixture, store] = await Promise.all([WatcherFixture.start(), startTestObjectStore()]);
  [sqs, sqsOfSteady] = await Promise.all([HookedSqs.start(store.url), HookedSqs.start(store.url)]);
});
afterEach(async () => {
  // Before what it works on is forgotten.
  await worker?.kill();
  worker = undefined;
  await fixture.cleanUp();
});
afterAll(async () => {
  await fixture.stop();
  await sqs.stop();
  await sqsOfSteady.stop();
  await store.stop();
});

test.each(seedsOfThisRun(1))(
  'two watchers, one killed between storing and deleting again and again: the ledger is what the bucket is (seed %p)',
  async (seed) => {
    const random = seededRandom(seed);
    const clock = new SimulatedClock(Date.now() - 86_400_000);
    const name = `uploads-${seed}`;
    const bucket = new SimulatedBucket({ name, now: clock.now });
    const keys = randomKeys({ random, count: 50, owners: ['acme/robots', 'acme/p1', 'acme/p10'] });
    // The second is poison, which must hold up nothing.
    const messages = [s3TestEvent(name, clock.now()), 'nonsense'];
    const history = randomHistory({
      random,
      bucket,
      clock,
      operations: 300,
      keys,
      switchesVersioning: true,
    });
    for (const { events } of history) {
      if (events.length === 0) continue;
      const text = s3Notification(events);
      messages.push(random.next() < 0.2 ? snsEnvelope(text) : text);
    }
    const { arriving, late } = deliver(messages, {
      random,
      duplicatedShare: 0.1,
      delayedShare: 0.05,
    });

    const queueUrl = await store.createQueue(`ledger-${seed}`);
    const bucketId = await fixture.declare(name, { kind: 'sqs', queueUrl });
    worker = await spawnService('stats-worker', {
      DATABASE_URL: fixture.database.url,
      REDIS_URL: fixture.redisServer.url,
    });
    let held = 0;
    sqsOfSteady.hook = (operation, parameters) => {
      if (operation !== 'ReceiveMessage') return false;
      // What a crash delays a message by, and how long the emulator overlooks a message that is visible again, shortened.
      Object.assign(parameters, { VisibilityTimeout: 2, WaitTimeSeconds: 1 });
      return false;
    };
    sqs.hook = (operation, parameters) => {
      sqsOfSteady.hook(operation, parameters);
      if (operation === 'DeleteMessageBatch') held += 1;
      return operation === 'DeleteMessageBatch';
    };
    const all = [...arriving, ...late];
    const part = Math.ceil(all.length / 4);
    await fixture.watcher({
      ...store.environment,
      AWS_ENDPOINT_URL_SQS: sqsOfSteady.url,
      ODOMETER_STORAGE_SQS_RECEIVERS: '1',
      ODOMETER_INSTANCE: 'steady',
    });
    for (let round = 0; round < 4; round += 1) {
      held = 0;
      const killed = await fixture.watcher({
        ...store.environment,
        AWS_ENDPOINT_URL_SQS: sqs.url,
        ODOMETER_INSTANCE: 'killed',
      });
      const some = all.slice(round * part, (round + 1) * part);
      await store.send(queueUrl, some);
      await eventually(async () => {
        // Once more, in case the other one got them all.
        if (held === 0) await store.send(queueUrl, [random.pick(some)]);
        return held > 0;
      });
      await killed.kill('SIGKILL');
    }
    const queued = async () => {
      const { ready, inFlight } = await store.queueDepth(queueUrl);
      const { waiting, active, delayed } = await fixture.queue.depth();
      return ready + inFlight + waiting + active + delayed;
    };
    await eventually(async () => (await queued()) === 0, { deadlineMs: 90_000 });

    const truth = bucket
      .versions()
      .filter(({ isDeleteMarker }) => !isDeleteMarker)
      .map(({ key, sizeBytes }) => `${key} ${sizeBytes}`)
      .sort();
    const { rows } = await fixture.pool.query<{ key: string; size_bytes: string }>(
      'select key, size_bytes from stored_objects where bucket_id = $1 and live',
      [bucketId],
    );
    expect(rows.map(({ key, size_bytes }) => `${key} ${size_bytes}`).sort()).toEqual(truth);
    const { rows: levels } = await fixture.pool.query(
      'select sum(bytes)::text as bytes, sum(objects)::int as objects from storage_levels where bucket_id = $1',
      [bucketId],
    );
    const bytes = truth.reduce((sum, line) => sum + BigInt(line.split(' ').at(-1) ?? 0), 0n);
    expect(levels).toEqual([{ bytes: String(bytes), objects: truth.length }]);
    await eventually(async () => {
      const dead = await fixture.pool.query('select distinct job_name from dead_letters');
      expect(dead.rows).toEqual([{ job_name: 'refused-notification' }]);
    });
  },
);
