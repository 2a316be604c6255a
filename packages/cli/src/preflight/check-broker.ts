import { randomUUID } from 'node:crypto';
import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { mqttCredentials } from '../mqtt-credentials.ts';
import type { MqttSettings } from '../settings.ts';
import { type Check, failed, passed } from './check.ts';

const CONNECT_DEADLINE_MS = 5_000;
/** Long enough to come back in, short enough that a session we fail to remove goes by itself. */
const SESSION_EXPIRY_SECONDS = 60;
/** Fewer in flight than this, and a round trip of 10 ms allows less than 10,000 messages a second. */
const MIN_RECEIVE_MAXIMUM = 100;
/** What a broker of MQTT 5 allows that says nothing. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535;

/**
 * The broker takes us, speaks MQTT 5, and keeps a session over a lost connection. A light look: mqtt-counter itself checks
 * at its start, with its own window and topics, what its count rests on.
 */
export async function checkBroker(url: string, settings: MqttSettings): Promise<readonly Check[]> {
  const clientId = `odometer-preflight-${randomUUID()}`;
  try {
    const options = { clientId, ...mqttCredentials(settings) };
    const first = await visit(url, options, { clean: false, expiry: SESSION_EXPIRY_SECONDS });
    const second = await visit(url, options, { clean: false, expiry: SESSION_EXPIRY_SECONDS });
    await visit(url, options, { clean: true, expiry: 0 });
    return [passed('broker', 'speaks MQTT 5'), session(first, second), window(first)];
  } catch (error) {
    return [failed('broker', error, 'start it, or correct MQTT_URL and its user and password')];
  }
}

function session(first: IConnackPacket, second: IConnackPacket): Check {
  const check = 'broker session';
  const remedy =
    'allow persistent sessions (mosquitto: persistence true, persistent_client_expiration)';
  const granted = first.properties?.sessionExpiryInterval;
  if (!second.sessionPresent) {
    return failed(check, 'was forgotten between two connections', remedy);
  }
  if (granted !== undefined && granted < SESSION_EXPIRY_SECONDS) {
    return failed(check, `lives for ${granted} s only`, remedy);
  }
  return passed(check, 'is kept over a lost connection');
}

function window({ properties }: IConnackPacket): Check {
  const check = 'broker window';
  const messages = properties?.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM;
  const detail = `${messages} messages in flight`;
  return messages < MIN_RECEIVE_MAXIMUM
    ? failed(
        check,
        detail,
        'raise it (mosquitto: max_inflight_messages 20000); counting will be slow',
      )
    : passed(check, detail);
}

/** Connects, hears what the broker grants, and goes. */
async function visit(
  url: string,
  options: IClientOptions,
  { clean, expiry }: { readonly clean: boolean; readonly expiry: number },
): Promise<IConnackPacket> {
  const client = mqtt.connect(url, {
    ...options,
    protocolVersion: 5,
    clean,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_DEADLINE_MS,
    properties: { sessionExpiryInterval: expiry },
  });
  try {
    return await connack(client);
  } finally {
    await client.endAsync().catch(() => {}); // A connection that never was has no end.
  }
}

function connack(client: MqttClient): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    client.once('connect', resolve);
    client.once('error', reject);
    client.once('close', () => reject(new Error('the broker closed the connection')));
  });
}
