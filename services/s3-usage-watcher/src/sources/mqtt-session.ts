import { connect, type IPublishPacket, type MqttClient } from 'mqtt';

/**
 * Messages that the broker may have outstanding with us. Few, because they all wait in memory while Redis is away; enough
 * for batches, since what comes while one is on its way makes the next.
 */
const RECEIVE_MAXIMUM = 100;
const CONNECT_TIMEOUT_MS = 10_000;
/** A broker that is silent for one and a half times this long is given up. */
const KEEPALIVE_SECONDS = 30;

/** MQTT.js sends no acknowledgement of a message whose handling failed, and goes on with the next. */
const WITHHELD = new Error('acknowledged later');

export interface MqttSessionOptions {
  /** With credentials. */
  readonly url: string;
  readonly clientId: string;
  readonly topic: string;
  readonly sessionExpirySeconds: number;
  /** Resolves when all that a message says is durable; rejects when it was not taken. */
  readonly take: (text: string) => Promise<unknown>;
  readonly onLive: () => void;
  readonly signal: AbortSignal;
}

/**
 * One connection to a broker, with a session that the broker keeps when it ends.
 *
 *   connecting ──CONNACK──▶ subscribing ──SUBACK──▶ live ──lost, refused or aborted──▶ over
 *
 * A message is acknowledged when it is durable, in the order of arrival as MQTT demands, and on the connection that brought
 * it: after a reconnect its packet id may be another message's. MQTT.js would read no further until it may acknowledge, not even
 * the broker's answer to a ping, so the acknowledgements are written here.
 *
 * @returns why it ended, when somebody said. Never rejects.
 */
export function runMqttSession(options: MqttSessionOptions): Promise<Error | undefined> {
  const { signal, take } = options;
  return new Promise((resolve) => {
    let error: Error | undefined;
    let unacknowledged = 0;
    let resume: (() => void) | undefined;
    let acknowledgements: Promise<void> = Promise.resolve();
    const client = connect(options.url, {
      protocolVersion: 5,
      clientId: options.clientId,
      clean: false,
      resubscribe: false,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEPALIVE_SECONDS,
      properties: {
        sessionExpiryInterval: options.sessionExpirySeconds,
        receiveMaximum: RECEIVE_MAXIMUM,
      },
    });
    const fail = (reason: unknown): void => {
      error ??= reason instanceof Error ? reason : new Error(String(reason));
      client.end(true);
    };
    const settle = (): void => {
      unacknowledged -= 1;
      const readOn = resume;
      // First, because reading on may bring the message that is one too many again.
      resume = undefined;
      readOn?.();
    };
    client.handleMessage = (packet, next) => {
      if (signal.aborted) return; // Left to the broker.
      unacknowledged += 1;
      const taken = take(packet.payload.toString());
      taken.catch(() => undefined); // Looked at in its turn.
      acknowledgements = acknowledgements
        .then(() => taken)
        .then(() => acknowledge(client, packet))
        .then(settle);
      acknowledgements.catch(fail);
      // QoS 0 is bounded by nobody else.
      if (unacknowledged < RECEIVE_MAXIMUM) next(WITHHELD);
      else resume = () => next(WITHHELD);
    };
    client.on('connect', () => {
      subscribe(client, options.topic).then(options.onLive, fail);
    });
    client.on('disconnect', ({ reasonCode }) => {
      error ??= new Error(`the broker ended the connection, reason ${reasonCode}`);
    });
    client.on('error', (reason) => {
      error ??= reason;
    });
    const end = (): void => {
      // By force while it connects, which could take as long as it may.
      acknowledgements.finally(() => client.end(!client.connected)).catch(() => undefined);
    };
    client.on('close', () => {
      signal.removeEventListener('abort', end);
      resolve(error);
    });
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

async function subscribe(client: MqttClient, topic: string): Promise<void> {
  const [granted] = await client.subscribeAsync(topic, { qos: 1 });
  if (granted?.qos !== 1) throw new Error(`the broker grants QoS ${granted?.qos} and not 1`);
}

/** PUBACK with success. What has been sent with QoS 0 wants none. */
function acknowledge(client: MqttClient, { qos, messageId }: IPublishPacket): void {
  if (qos !== 1 || messageId === undefined || client.stream.destroyed) return;
  client.stream.write(Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff]));
}
