import { spawnSync } from 'node:child_process';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@odometer/local-stack/tcp-port';
import { eventually } from '@odometer/testing/eventually';
import { tcpProxy } from '@odometer/testing/tcp-proxy';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { startTestBroker } from '@odometer/testing/test-broker';
import { connectAsync, type MqttClient } from 'mqtt';
import { encodePacket } from './control-packets.ts';
import {
  type Connected,
  type SubscriberOptions,
  SubscriberSession,
  TakenOver,
} from './subscriber-session.ts';

let broker: Awaited<ReturnType<typeof startTestBroker>>;
let publisher: MqttClient;
let nextClient = 0;
const sessions: SubscriberSession[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
  publisher = await connectAsync(broker.url, { protocolVersion: 5 });
});
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.stop();
});
afterAll(async () => {
  await publisher?.endAsync(true);
  await broker?.stop();
});

/** A session that records what happens to it. */
class Recorded {
  readonly received: { topic: string; qos: number; retain: boolean; id: number; bytes: number }[] =
    [];
  readonly connections: Connected[] = [];
  readonly errors: Error[] = [];
  takenOver = 0;
  replaced = false;
  subscriptions = 0;
  gate: Promise<readonly string[]> = Promise.resolve([]);
  readonly session: SubscriberSession;
  readonly options: SubscriberOptions;

  constructor(options: Partial<SubscriberOptions> = {}) {
    nextClient += 1;
    this.options = {
      url: broker.url,
      username: undefined,
      password: undefined,
      tlsCaFile: undefined,
      tlsCertificateFile: undefined,
      tlsKeyFile: undefined,
      clientId: `session-${process.pid}-${nextClient}`,
      filter: `t${nextClient}/#`,
      keepaliveSeconds: 30,
      sessionExpirySeconds: 60,
      receiveMaximum: 1000,
      ...options,
    };
    this.session = new SubscriberSession(this.options, {
      connecting: async () => {
        if (this.replaced) throw new TakenOver();
      },
      connected: async (connected) => {
        this.connections.push(connected);
        this.session.subscribe(await this.gate);
      },
      publish: (qos, retain, id, bytes, start, end, payloadBytes) => {
        const topic = bytes.toString('utf8', start, end);
        this.received.push({ topic, qos, retain, id, bytes: payloadBytes });
      },
      chunkStart: () => {},
      chunkEnd: () => {},
      subscribed: () => {
        this.subscriptions += 1;
      },
      lost: (error) => {
        this.errors.push(error);
      },
      takenOver: () => {
        this.takenOver += 1;
      },
    });
    sessions.push(this.session);
  }

  get ids(): number[] {
    return this.received.map(({ id }) => id);
  }

  topic(rest: string): string {
    return this.options.filter.replace('#', rest);
  }

  async live(): Promise<this> {
    this.session.start();
    await eventually(() => this.session.isLive);
    return this;
  }
}

test('the window is ours, or that of the broker when it grants less', async () => {
  const ours = await new Recorded().live();
  expect(ours.session.window).toBe(1000);
  const narrow = await startTestBroker({ configuration: ['max_inflight_messages 700'] });
  try {
    const theirs = new Recorded({ url: narrow.url });
    expect(theirs.session.window).toBe(1000);
    await theirs.live();
    expect(theirs.session.window).toBe(700);
    await theirs.session.stop();
  } finally {
    await narrow.stop();
  }
});

test('messages arrive with topic, QoS and size, and unacknowledged ones come again in order', async () => {
  const first = await new Recorded().live();
  await publisher.publishAsync(first.topic('a'), 'xyz');
  for (let index = 0; index < 5; index += 1) {
    await publisher.publishAsync(first.topic('ä'), Buffer.alloc(100_000), { qos: 1 });
  }
  await eventually(() => first.received.length === 6);
  expect(first.received[0]).toEqual({
    topic: first.topic('a'),
    qos: 0,
    retain: false,
    id: 0,
    bytes: 3,
  });
  expect(first.received[5]).toMatchObject({ topic: first.topic('ä'), qos: 1, bytes: 100_000 });
  const ids = first.ids.slice(1);
  first.session.acknowledge(Uint16Array.from(ids.slice(0, 2)));
  await first.session.roundTrip();
  await first.session.stop();
  const second = await new Recorded(first.options).live();
  await eventually(() => second.received.length === 3);
  expect(second.connections[0]?.sessionPresent).toBe(true);
  expect(second.ids).toEqual(ids.slice(2));
});

test('nothing is handed over before the owner says go, though it has arrived', async () => {
  const first = await new Recorded().live();
  await first.session.stop();
  for (let index = 0; index < 100; index += 1) {
    await publisher.publishAsync(first.topic('a'), 'x', { qos: 1 });
  }
  const second = new Recorded(first.options);
  let go = (_strays: readonly string[]): void => {};
  second.gate = new Promise((resolve) => {
    go = resolve;
  });
  second.session.start();
  await eventually(() => second.connections.length === 1);
  await publisher.publishAsync(first.topic('a'), 'x', { qos: 1 });
  expect(second.received.length).toBe(0);
  go([]);
  await eventually(() => second.received.length === 101);
  expect(second.session.isLive).toBe(true);
});

test('retained messages are not replayed', async () => {
  const recorded = new Recorded();
  await publisher.publishAsync(recorded.topic('kept'), 'old', { qos: 1, retain: true });
  await recorded.live();
  await publisher.publishAsync(recorded.topic('kept'), 'new', { qos: 1, retain: true });
  await eventually(() => recorded.received.length === 1);
  expect(recorded.received[0]).toMatchObject({ retain: false });
});

test('a filter of former days is unsubscribed', async () => {
  const first = await new Recorded().live();
  await first.session.stop();
  const second = new Recorded({ ...first.options, filter: first.topic('narrow/#') });
  second.gate = Promise.resolve([first.options.filter]);
  await second.live();
  await publisher.publishAsync(first.topic('wide'), 'x', { qos: 1 });
  await publisher.publishAsync(first.topic('narrow/a'), 'x', { qos: 1 });
  await eventually(() => second.received.length > 0);
  await second.session.roundTrip();
  expect(second.received.map(({ topic }) => topic)).toEqual([first.topic('narrow/a')]);
});

/** A broker that says what a test wants it to say, to each client that connects. */
async function scriptedBroker(script: (socket: Socket, connection: number) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    script(socket, sockets.length);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `mqtt://127.0.0.1:${port}`,
    get connections() {
      return sockets.length;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('a session that another client has taken over', () => {
  test('ends for good when the broker says so', async () => {
    const scripted = await scriptedBroker((socket) => {
      socket.write(encodePacket({ cmd: 'connack', reasonCode: 0, sessionPresent: true }));
      socket.once('data', () => {
        socket.end(encodePacket({ cmd: 'disconnect', reasonCode: 0x8e }));
      });
    });
    const recorded = new Recorded({ url: scripted.url });
    recorded.session.start();
    await eventually(() => recorded.takenOver === 1);
    await recorded.session.stop();
    expect(scripted.connections).toBe(1);
    scripted.close();
  });

  test('ends for good when its owner knows, without taking over in turn', async () => {
    const first = await new Recorded().live();
    first.replaced = true;
    const second = await new Recorded(first.options).live();
    await eventually(() => first.takenOver === 1);
    await second.session.roundTrip();
    expect(first.connections.length).toBe(1);
    expect(second.errors).toEqual([]);
  });
});

describe('a connection that is cut', () => {
  test('is opened again, with the session, and tells since when it was lost', async () => {
    const proxy = await tcpProxy(broker.port);
    try {
      const recorded = await new Recorded({ url: proxy.url(broker.url) }).live();
      await publisher.publishAsync(recorded.topic('a'), 'x', { qos: 1 });
      await eventually(() => recorded.received.length === 1);
      const before = Date.now();
      proxy.refuse();
      await eventually(() => recorded.errors.length > 1);
      proxy.pass();
      await eventually(() => recorded.subscriptions === 2);
      await eventually(() => recorded.received.length === 2);
      expect(recorded.connections[1]).toMatchObject({ sessionPresent: true, brokerWasDown: false });
      expect(recorded.connections[1]?.lostAtMs).toBeGreaterThanOrEqual(before);
    } finally {
      await proxy.close();
    }
  });

  test('by the end of the broker is told from one that was only cut', async () => {
    const own = await startTestBroker();
    try {
      const recorded = await new Recorded({ url: own.url }).live();
      await own.kill();
      await eventually(() => recorded.errors.length > 1);
      await own.start();
      await eventually(() => recorded.subscriptions === 2);
      expect(recorded.connections[1]).toMatchObject({ brokerWasDown: true });
    } finally {
      await own.stop();
    }
  });
});

test('a broker that answers nonsense is left and tried again, without a crash', async () => {
  const scripted = await scriptedBroker((socket) => {
    const connack = encodePacket({ cmd: 'connack', reasonCode: 0, sessionPresent: true });
    socket.write(Buffer.concat([connack, Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 1])]));
  });
  const recorded = new Recorded({ url: scripted.url });
  recorded.session.start();
  await eventually(() => scripted.connections >= 3);
  expect(recorded.errors[0]?.message).toMatch(/four bytes/);
  await recorded.session.stop();
  scripted.close();
});

test('a 256 MB payload is counted with its size and leaves memory flat', async () => {
  const recorded = await new Recorded().live();
  const topic = recorded.topic('big');
  const socket = connectSocket(broker.port, '127.0.0.1');
  socket.resume();
  socket.write(
    encodePacket({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      clientId: `big-${process.pid}`,
      keepalive: 60,
    }),
  );
  const payloadBytes = 268_435_455 - 2 - topic.length - 1;
  const head = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, topic.length]);
  socket.write(Buffer.concat([head, Buffer.from(topic), Buffer.from([0])]));
  const zeros = Buffer.alloc(1 << 20);
  const before = process.memoryUsage().rss;
  for (let left = payloadBytes; left > 0; left -= zeros.length) {
    const piece = zeros.subarray(0, Math.min(left, zeros.length));
    if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  await eventually(() => recorded.received.length === 1, { deadlineMs: 30_000 });
  expect(recorded.received[0]?.bytes).toBe(payloadBytes);
  expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
  socket.destroy();
}, 60_000);

describe('TLS', () => {
  test('the broker sees our certificate, and we check its', async () => {
    const directory = temporaryDirectory('certificates');
    const openssl = (...args: string[]): void => {
      const { status, stderr } = spawnSync('openssl', args, { cwd: directory });
      if (status !== 0) throw new Error(String(stderr));
    };
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    openssl('req', '-x509', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca');
    for (const name of ['localhost', 'counter']) {
      openssl(
        'req',
        '-x509',
        ...curve,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
        '-subj',
        `/CN=${name}`,
        '-addext',
        `subjectAltName=DNS:${name}`,
        '-addext',
        'basicConstraints=critical,CA:FALSE',
      );
    }
    const port = await freePort();
    const own = await startTestBroker({
      configuration: [
        `listener ${port} 127.0.0.1`,
        `cafile ${directory}/ca.pem`,
        `certfile ${directory}/localhost.pem`,
        `keyfile ${directory}/localhost.key`,
        'require_certificate true',
      ],
    });
    try {
      const url = `mqtts://localhost:${port}`;
      const anonymous = new Recorded({ url, tlsCaFile: `${directory}/ca.pem` });
      const distrustful = new Recorded({ url });
      anonymous.session.start();
      distrustful.session.start();
      const recorded = await new Recorded({
        url,
        tlsCaFile: `${directory}/ca.pem`,
        tlsCertificateFile: `${directory}/counter.pem`,
        tlsKeyFile: `${directory}/counter.key`,
      }).live();
      const client = await connectAsync(own.url);
      for (let index = 0; index < 100; index += 1) {
        await client.publishAsync(recorded.topic(`${index}`), Buffer.alloc(5_000), { qos: 1 });
      }
      await client.endAsync();
      await eventually(() => recorded.received.length === 100);
      await eventually(() => anonymous.errors.length > 0 && distrustful.errors.length > 0);
      expect(anonymous.connections.length + distrustful.connections.length).toBe(0);
      for (const session of sessions.splice(0)) await session.stop();
    } finally {
      await own.stop();
    }
  }, 30_000);
});
