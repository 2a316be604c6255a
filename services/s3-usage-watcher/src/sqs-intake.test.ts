import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { startTestObjectStore, type TestObjectStore } from '@odometer/testing/test-object-store';
import { HookedSqs } from './hooked-sqs.fixture.ts';
import { message, putMessage, putRecord, WatcherFixture } from './watcher.fixture.ts';

/** The compiled service as a process, against a real Postgres and Redis and an emulated SQS. */

jest.setTimeout(60_000);

let fixture: WatcherFixture;
let store: TestObjectStore;
let sqs: HookedSqs;
let queueUrl: string;
let queues = 0;

beforeAll(async () => {
  [fixture, store] = await Promise.all([WatcherFixture.start(), startTestObjectStore()]);
  sqs = await HookedSqs.start(store.url);
});
afterAll(async () => {
  await fixture.stop();
  await sqs.stop();
  await store.stop();
});
beforeEach(async () => {
  queueUrl = await newQueue();
});
afterEach(async () => {
  sqs.hook = () => false;
  await fixture.cleanUp();
});

async function newQueue(): Promise<string> {
  queues += 1;
  return store.createQueue(`notifications-${queues}`);
}

const declare = (name: string, url = queueUrl, more: object = {}) =>
  fixture.declare(name, { kind: 'sqs', queueUrl: url }, more);
const watcher = (env: Readonly<Record<string, string>> = {}) =>
  fixture.watcher({ ...store.environment, ...env });
const isEmpty = async (url = queueUrl) => {
  const { ready, inFlight } = await store.queueDepth(url);
  return ready + inFlight === 0;
};

test('a notification becomes a change in a numbered batch, and then its message is deleted', async () => {
  const id = await declare('uploads');
  const service = await watcher();
  await store.send(queueUrl, [message(putRecord('uploads', 'acme/web/a+b%2Bc.txt', 5))]);
  await eventually(() => isEmpty());
  const { batches, refused } = await fixture.jobs();
  expect(refused).toEqual([]);
  expect(batches).toMatchObject([
    {
      source: 'objects-test-0',
      seq: 1,
      books: { received: 1, accepted: 1, rejected: 0 },
      changes: [{ bucketId: id, key: 'acme/web/a b+c.txt', action: 'created', sizeBytes: 5 }],
    },
  ]);
  await eventually(async () => {
    expect(await service.metric('odometer_storage_messages_deleted_total')).toBe(1);
    expect(await service.metric('odometer_storage_changes_accepted_total')).toBe(1);
  });
});

test('a clean stop seals the epoch at its last batch', async () => {
  await declare('uploads');
  const service = await watcher();
  await store.send(queueUrl, [putMessage('uploads', 'acme/web/a')]);
  await eventually(() => isEmpty());
  expect(await service.kill('SIGTERM')).toMatchObject({ code: 0 });
  const { batches } = await fixture.jobs();
  const { rows } = await fixture.pool.query(
    'select sealed_seq from source_epochs where epoch = $1',
    [batches[0]?.epoch],
  );
  expect(rows).toEqual([{ sealed_seq: String(batches.length) }]);
});

test('kill -9 between storing and deleting: the message comes again, in a second batch, and nothing is lost', async () => {
  await declare('uploads');
  let heldDeletes = 0;
  sqs.hook = (operation, parameters) => {
    // What a crash delays a message by, shortened.
    if (operation === 'ReceiveMessage') parameters.VisibilityTimeout = 2;
    if (operation !== 'DeleteMessageBatch') return false;
    heldDeletes += 1;
    return true;
  };
  const killed = await watcher({ AWS_ENDPOINT_URL_SQS: sqs.url });
  await store.send(queueUrl, [putMessage('uploads', 'acme/web/a')]);
  await eventually(() => heldDeletes > 0);
  await killed.kill('SIGKILL');
  const before = await fixture.jobs();
  expect(before.batches).toHaveLength(1);
  sqs.hook = () => false;
  await watcher();
  await eventually(() => isEmpty());
  const { batches } = await fixture.jobs();
  expect(batches).toHaveLength(2);
  // The same change to the letter: the ledger takes the second for old news.
  expect(batches[1]?.changes).toEqual(batches[0]?.changes);
  expect(batches[1]?.epoch).not.toBe(batches[0]?.epoch);
});

test('two watchers on one queue take each message, and leave none', async () => {
  await declare('uploads');
  await Promise.all([watcher(), watcher({ ODOMETER_INSTANCE: 'other' })]);
  const keys = Array.from({ length: 200 }, (_, index) => `acme/web/${1_000 + index}`);
  await store.send(
    queueUrl,
    keys.map((key) => putMessage('uploads', key)),
  );
  await eventually(() => isEmpty());
  expect([...new Set(await fixture.keys())]).toEqual(keys);
});

test('a bad record between good ones is kept as refused, and the good ones count', async () => {
  await declare('uploads');
  const service = await watcher();
  const bad = putRecord('uploads', 'acme/web/bad', -1);
  const text = message(putRecord('uploads', 'acme/web/a'), bad, putRecord('uploads', 'acme/web/b'));
  await store.send(queueUrl, [text, 'no JSON at all', message(bad)]);
  await eventually(() => isEmpty());
  expect(await fixture.keys()).toEqual(['acme/web/a', 'acme/web/b']);
  const { refused } = await fixture.jobs();
  // The record alone; and once, though it came twice.
  expect(refused).toHaveLength(2);
  expect(refused).toEqual(
    expect.arrayContaining([
      { buckets: ['uploads'], text: message(bad) },
      { buckets: ['uploads'], text: 'no JSON at all' },
    ]),
  );
  await eventually(async () => {
    expect(await service.metric('odometer_storage_records_refused_total{reason="size"}')).toBe(2);
    expect(await service.metric('odometer_storage_records_refused_total{reason="not_json"}')).toBe(
      1,
    );
  });
  // The books say so, without waiting for another batch.
  await eventually(async () => {
    const { rows } = await fixture.pool.query(
      "select received, rejected, accepted from source_epochs where instance = 'test-0' order by epoch desc limit 1",
    );
    expect(rows).toEqual([{ received: '5', rejected: '3', accepted: '2' }]);
  });
});

test('a record that its bucket cannot take as declared is refused alone', async () => {
  await declare('uploads');
  await watcher();
  const unordered = putRecord('uploads', 'acme/web/x');
  Reflect.set(
    Reflect.get(Reflect.get(unordered, 's3') as object, 'object') as object,
    'sequencer',
    '0',
  );
  const wrapped = JSON.stringify({
    Type: 'Notification',
    Message: message(putRecord('uploads', 'acme/web/a'), unordered),
  });
  await store.send(queueUrl, [wrapped]);
  await eventually(() => isEmpty());
  expect(await fixture.keys()).toEqual(['acme/web/a']);
  expect((await fixture.jobs()).refused).toEqual([
    { buckets: ['uploads'], text: message(unordered) },
  ]);
});

test('test events and other buckets of the store are let go, and make no job', async () => {
  await declare('uploads');
  const service = await watcher();
  await store.send(queueUrl, [
    JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'uploads' }),
    putMessage('somebody-elses', 'acme/web/a'),
  ]);
  await eventually(() => isEmpty());
  expect(await fixture.jobs()).toEqual({ batches: [], refused: [] });
  expect(await service.metric('odometer_storage_records_undeclared_total')).toBe(1);
  expect(await service.metric('odometer_storage_records_ignored_total{reason="test_event"}')).toBe(
    1,
  );
});

test('while Redis is away the messages stay in the queue, and are taken when it is back', async () => {
  await declare('uploads');
  const service = await watcher();
  await eventually(
    async () => (await service.metric('odometer_storage_sources{kind="sqs"}')) === 1,
  );
  fixture.redisProxy.refuse();
  await store.send(queueUrl, [
    putMessage('uploads', 'acme/web/a'),
    message(putRecord('uploads', 'x', -1)),
  ]);
  await eventually(
    async () => (await service.metric('odometer_storage_unconfirmed_records')) === 2,
  );
  expect((await store.queueDepth(queueUrl)).inFlight).toBe(2);
  await eventually(async () => !(await service.isReady()));
  fixture.redisProxy.pass();
  await eventually(() => isEmpty());
  expect(await fixture.keys()).toEqual(['acme/web/a']);
  expect((await fixture.jobs()).refused).toHaveLength(1);
});

test('too many batches that wait to be applied: the messages stay in the queue', async () => {
  await declare('uploads');
  const service = await watcher({ ODOMETER_STORAGE_MAX_BACKLOG_BATCHES: '1' });
  await store.send(queueUrl, [putMessage('uploads', 'acme/web/a')]);
  await eventually(() => isEmpty());
  await eventually(async () => (await service.metric('odometer_storage_backlog_batches')) === 1);
  await store.send(queueUrl, [putMessage('uploads', 'acme/web/b')]);
  await eventually(async () => (await store.queueDepth(queueUrl)).inFlight === 1);
  expect(await fixture.keys()).toEqual(['acme/web/a']);
  await fixture.queue.run((redis) => redis.flushall());
  await eventually(() => isEmpty());
  expect(await fixture.keys()).toEqual(['acme/web/b']);
});

test('while Postgres is away it goes on with what was declared', async () => {
  await declare('uploads');
  const service = await watcher();
  fixture.postgresProxy.refuse();
  await eventually(() => service.log().includes('periodic_task_failed'));
  await store.send(queueUrl, [putMessage('uploads', 'acme/web/a')]);
  await eventually(() => isEmpty());
  expect(await fixture.keys()).toEqual(['acme/web/a']);
  expect(await service.isReady()).toBe(true);
});

test('a queue that hangs, is not there, or refuses us does not stop another', async () => {
  const hanging = await newQueue();
  await declare('hanging', hanging);
  await declare('missing', `${queueUrl}-missing`);
  await declare('uploads');
  let hung = 0;
  sqs.hook = (operation, { QueueUrl }) => {
    const isHung = operation === 'ReceiveMessage' && QueueUrl === hanging;
    if (isHung) hung += 1;
    return isHung;
  };
  const service = await watcher({ AWS_ENDPOINT_URL_SQS: sqs.url });
  await eventually(() => hung > 0);
  for (const round of [1, 2, 3]) {
    await store.send(queueUrl, [putMessage('uploads', `acme/web/${round}`)]);
    await eventually(() => isEmpty());
  }
  expect(await fixture.keys()).toEqual(['acme/web/1', 'acme/web/2', 'acme/web/3']);
  expect(await service.metric('odometer_storage_sources{kind="sqs"}')).toBe(3);
  await eventually(
    async () =>
      (await fixture.metric(service, 'odometer_storage_receive_errors_total{reason="invalid"}')) >
      0,
  );
  expect(await service.isReady()).toBe(true);
});

test('what is declared, changed and removed while it runs takes effect without a restart', async () => {
  const service = await watcher();
  await declare('uploads');
  await store.send(queueUrl, [putMessage('uploads', 'acme/web/a')]);
  await eventually(() => isEmpty());

  // A second bucket on the same queue.
  await declare('logs');
  await eventually(async () => {
    await store.send(queueUrl, [putMessage('logs', 'acme/web/b')]);
    await eventually(() => isEmpty());
    return (await fixture.keys()).includes('acme/web/b');
  });

  // The first one's queue changes; the other stays.
  const otherUrl = await newQueue();
  await declare('uploads', otherUrl);
  await store.send(otherUrl, [putMessage('uploads', 'acme/web/c')]);
  await eventually(() => isEmpty(otherUrl));
  expect(await fixture.keys()).toContain('acme/web/c');
  expect(await service.metric('odometer_storage_sources{kind="sqs"}')).toBe(2);

  await fixture.pool.query("delete from buckets where name = 'uploads'");
  await eventually(
    async () => (await service.metric('odometer_storage_sources{kind="sqs"}')) === 1,
  );
  await store.send(otherUrl, [putMessage('uploads', 'acme/web/d')]);
  await store.send(queueUrl, [putMessage('logs', 'acme/web/e')]);
  await eventually(() => isEmpty());
  expect(await isEmpty(otherUrl)).toBe(false);
  expect(await fixture.keys()).not.toContain('acme/web/d');
});

test('what is said of a bucket whose declaration cannot be read is kept as refused, and the others count', async () => {
  await declare('uploads');
  await declare('future');
  await fixture.pool.query(
    `update buckets set declaration = declaration || '{"ledger": "from the future"}' where name = 'future'`,
  );
  const service = await watcher();
  const unread = putMessage('future', 'acme/web/x');
  await store.send(queueUrl, [unread, putMessage('uploads', 'acme/web/a')]);
  await eventually(() => isEmpty());
  expect(await fixture.keys()).toEqual(['acme/web/a']);
  expect((await fixture.jobs()).refused).toEqual([
    { buckets: ['uploads', 'future'], text: unread },
  ]);
  const reports = service.events().filter(({ event }) => event === 'bucket_declaration_invalid');
  expect(reports).toMatchObject([{ bucket: 'future' }]);
});
