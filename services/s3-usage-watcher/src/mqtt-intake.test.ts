import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { startTestBroker } from '@odometer/testing/test-broker';
import { connectAsync, type MqttClient } from 'mqtt';
import { message, putMessage, putRecord, WatcherFixture } from './watcher.fixture.ts';

/** The compiled service as a process, and a real broker to which a store publishes. */

jest.setTimeout(90_000);

let fixture: WatcherFixture;
let broker: Awaited<ReturnType<typeof startTestBroker>>;
let brokerProxy: TcpProxy;
let publisher: MqttClient;
let topic: string;
let topics = 0;

beforeAll(async () => {
  [fixture, broker] = await Promise.all([WatcherFixture.start(), startTestBroker()]);
  brokerProxy = await tcpProxy(broker.port);
  publisher = await connectAsync(broker.url, { protocolVersion: 5 });
});
afterAll(async () => {
  await fixture.stop();
  await publisher.endAsync(true);
  await brokerProxy.close();
  await broker.stop();
});
afterEach(async () => {
  brokerProxy.pass();
  await fixture.cleanUp();
});

/** A topic of its own for each test: the broker keeps the session of one, as it should. */
async function declare(name = 'photos'): Promise<void> {
  topics += 1;
  topic = `stores/${topics}`;
  const urlEnv = 'ODOMETER_STORAGE_SECRET_BROKER';
  await fixture.declare(name, { kind: 'mqtt', urlEnv, topic });
}

async function watcher(env: Readonly<Record<string, string>> = {}) {
  const url = brokerProxy.url(broker.url);
  const service = await fixture.watcher({ ODOMETER_STORAGE_SECRET_BROKER: url, ...env });
  await eventually(() => service.log().includes('mqtt_subscribed'));
  return service;
}

const publish = (text: string, qos: 0 | 1 = 1) => publisher.publishAsync(topic, text, { qos });
const key = (index: number) => `acme/web/${1_000 + index}`;
async function publishMany(from: number, to: number): Promise<void> {
  const indexes = Array.from({ length: to - from }, (_, index) => from + index);
  await Promise.all(indexes.map((index) => publish(putMessage('photos', key(index)))));
}
const distinctKeys = async () => [...new Set(await fixture.keys())];

test('what is published becomes changes, many at once, and bad ones harm none', async () => {
  await declare();
  const service = await watcher();
  const bad = message(putRecord('photos', 'x', -1));
  await publish(bad);
  await publishMany(0, 300);
  await publish(putMessage('photos', key(300)), 0);
  await eventually(async () => (await distinctKeys()).length === 301);
  // Each once: all were acknowledged in their turn.
  expect(await fixture.keys()).toHaveLength(301);
  expect((await fixture.jobs()).refused).toEqual([{ buckets: ['photos'], text: bad }]);
  expect(await service.metric('odometer_storage_source_silent_seconds{kind="mqtt"}')).toBe(0);
});

test('kill -9: what comes meanwhile, and what was not acknowledged, comes to the next watcher', async () => {
  await declare();
  const killed = await watcher();
  await publishMany(0, 10);
  await eventually(async () => (await distinctKeys()).length === 10);
  // Taken and not durable when it dies.
  fixture.redisProxy.refuse();
  await publishMany(10, 20);
  await eventually(
    async () => (await killed.metric('odometer_storage_unconfirmed_records')) === 10,
  );
  await killed.kill('SIGKILL');
  await publishMany(20, 30);
  fixture.redisProxy.pass();
  await watcher();
  await eventually(async () => (await distinctKeys()).length === 30);
});

test('a broker that is cut off again and again loses nothing', async () => {
  await declare();
  const service = await watcher();
  for (const round of [0, 1, 2]) {
    const publishing = publishMany(round * 50, round * 50 + 50);
    brokerProxy.refuse();
    await publishing;
    brokerProxy.pass();
    await eventually(async () => (await distinctKeys()).length === round * 50 + 50);
  }
  expect(await service.metric('odometer_storage_broker_disconnects_total')).toBeGreaterThan(2);
});

test('while Redis is away nothing is acknowledged beyond what the broker may have outstanding', async () => {
  await declare();
  const service = await watcher();
  fixture.redisProxy.refuse();
  await publishMany(0, 150);
  await eventually(
    async () => (await service.metric('odometer_storage_unconfirmed_records')) === 100,
  );
  fixture.redisProxy.pass();
  await eventually(async () => (await distinctKeys()).length === 150);
});

test('two watchers with one session come to take turns, and nothing is lost', async () => {
  await declare();
  const watchers = [await watcher(), await watcher({ ODOMETER_INSTANCE: 'second' })];
  const losses = () =>
    watchers.map((service) =>
      service.events().filter(({ event }) => event === 'mqtt_connection_lost'),
    );
  for (const round of [0, 1, 2, 3]) {
    await publishMany(round * 10, round * 10 + 10);
    await eventually(async () => (await distinctKeys()).length === round * 10 + 10);
  }
  // Not at once again: each waits longer every time it is sent away.
  await eventually(() => losses().some((lost) => Number(lost.at(-1)?.delayMs) > 1_500), {
    deadlineMs: 20_000,
  });
  for (const service of watchers) expect(await service.isReady()).toBe(true);
});

test('two installations with one declaration at one broker both get everything', async () => {
  await declare();
  const other = await WatcherFixture.start();
  try {
    const urlEnv = 'ODOMETER_STORAGE_SECRET_BROKER';
    // Databases of tests are copies of one; docs/storage.md says to do this with a copy.
    await other.pool.query('update installation set id = gen_random_uuid()');
    await other.declare('photos', { kind: 'mqtt', urlEnv, topic });
    await watcher();
    const second = await other.watcher({ [urlEnv]: brokerProxy.url(broker.url) });
    await eventually(() => second.log().includes('mqtt_subscribed'));
    await publishMany(0, 40);
    await eventually(async () => (await distinctKeys()).length === 40);
    await eventually(async () => new Set(await other.keys()).size === 40);
  } finally {
    await other.stop();
  }
});

test('a broker whose URL is not in the environment is reported once, and other sources go on', async () => {
  await declare();
  const service = await fixture.watcher();
  await eventually(() => service.events().some(({ event }) => event === 'storage_source_failed'));
  await declare('others');
  await eventually(
    () => service.events().filter(({ event }) => event === 'storage_source_failed').length === 2,
  );
  expect(await service.isReady()).toBe(true);
});

test('a clean stop acknowledges what is durable: the next watcher gets nothing twice', async () => {
  await declare();
  const first = await watcher();
  await publishMany(0, 50);
  await eventually(async () => (await distinctKeys()).length === 50);
  expect(await first.kill('SIGTERM')).toMatchObject({ code: 0 });
  const second = await watcher();
  await publishMany(50, 51);
  await eventually(async () => (await distinctKeys()).length === 51);
  expect(await fixture.keys()).toHaveLength(51);
  expect(await second.metric('odometer_storage_changes_accepted_total')).toBe(1);
});
