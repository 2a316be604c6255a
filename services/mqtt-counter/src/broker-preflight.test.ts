import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { freePort } from '@odometer/local-stack/tcp-port';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { startTestBroker, type TestBrokerOptions } from '@odometer/testing/test-broker';
import { connectAsync } from 'mqtt';
import { parser } from 'mqtt-packet';
import { checkBroker } from './broker-preflight.ts';
import { encodePacket } from './control-packets.ts';
import type { MqttEndpoint } from './mqtt-endpoint.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function broker(options: TestBrokerOptions = {}) {
  const server = await startTestBroker(options);
  cleanups.push(() => server.stop());
  return { server, endpoint: endpointOf(server.url) };
}

function endpointOf(url: string): MqttEndpoint {
  return {
    url,
    username: undefined,
    password: undefined,
    tlsCaFile: undefined,
    tlsCertificateFile: undefined,
    tlsKeyFile: undefined,
  };
}

test('a broker that is set up as the documentation says passes, twice, and keeps nothing of it', async () => {
  const { endpoint } = await broker();
  expect(await checkBroker(endpoint, 'counter', 'odometer/preflight/x')).toBeUndefined();
  expect(await checkBroker(endpoint, 'counter', 'odometer/preflight/x')).toBeUndefined();
  const client = await connectAsync(endpoint.url, { clientId: 'counter-preflight', clean: false });
  let messages = 0;
  client.on('message', () => {
    messages += 1;
  });
  await client.subscribeAsync('another');
  expect(messages).toBe(0);
  await client.endAsync();
});

/** How a broker may break its promises. Mosquitto has no settings for that. */
interface Faults {
  readonly window?: number;
  readonly forgetsSessions?: boolean;
  readonly redeliversBackwards?: boolean;
}

/** The smallest broker that can hold the conversation of the check, with one subscriber. */
async function faultyBroker(faults: Faults): Promise<MqttEndpoint> {
  const inFlight: number[] = [];
  let subscriber: Socket | undefined;
  const deliver = (messageId: number): void => {
    const flags = { qos: 1, dup: false, retain: false } as const;
    subscriber?.write(
      encodePacket({ cmd: 'publish', topic: 't', payload: '', messageId, ...flags }),
    );
  };
  const server = createServer((socket) => {
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        const sessionPresent = !packet.clean && !faults.forgetsSessions;
        socket.write(encodePacket({ cmd: 'connack', reasonCode: 0, sessionPresent }));
        if (!sessionPresent) return;
        subscriber = socket;
        for (const id of faults.redeliversBackwards ? inFlight.toReversed() : inFlight) deliver(id);
      }
      if (packet.cmd === 'subscribe') {
        subscriber = socket;
        socket.write(encodePacket({ cmd: 'suback', messageId: 1, granted: [1] }));
      }
      if (packet.cmd === 'publish') {
        socket.write(encodePacket({ cmd: 'puback', messageId: packet.messageId ?? 0 }));
        if (inFlight.length === (faults.window ?? 2_000)) return;
        inFlight.push(inFlight.length + 1);
        deliver(inFlight.length);
      }
    });
    socket.on('data', (bytes) => reader.parse(bytes)).on('error', () => {});
  });
  const port = await freePort();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  cleanups.push(async () => {
    server.close();
  });
  return endpointOf(`mqtt://127.0.0.1:${port}`);
}

test.each<[string, Faults, RegExp]>([
  ['sends 20 messages at most', { window: 20 }, /it sends 20 messages without a PUBACK/],
  ['keeps no sessions', { forgetsSessions: true }, /keeps no session/],
  ['redelivers in another order', { redeliversBackwards: true }, /redeliver.*order/],
])('a broker that %s is refused', async (_, faults, message) => {
  const endpoint = await faultyBroker(faults);
  await expect(checkBroker(endpoint, 'counter', 't')).rejects.toMatchObject({
    code: 'broker_unsuitable',
    message: expect.stringMatching(message),
  });
});

test('a broker without faults passes the same conversation', async () => {
  expect(await checkBroker(await faultyBroker({}), 'counter', 't')).toBeUndefined();
});

test('a broker whose access rules forbid the probe is not checked, and we are told', async () => {
  const rules = `${temporaryDirectory('acl')}/acl`;
  writeFileSync(rules, 'topic read roboticks/#\n');
  const { endpoint } = await broker({ configuration: [`acl_file ${rules}`] });
  expect(await checkBroker(endpoint, 'counter', 'odometer/preflight/x')).toMatch(/does not let us/);
});

test('a broker that is away is an ordinary error: it may come', async () => {
  const { server, endpoint } = await broker();
  await server.stop();
  await expect(checkBroker(endpoint, 'counter', 'odometer/preflight/x')).rejects.toThrow(
    /ECONNREFUSED/,
  );
});
