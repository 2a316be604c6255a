import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OdometerError } from '@odometer/domain/errors';
import type { Packet } from 'mqtt-packet';
import { decodePacket, encodePacket } from './control-packets.ts';
import { FrameScanner } from './frame-scanner.ts';
import { credentials, type MqttEndpoint, openSocket, readyEvent } from './mqtt-endpoint.ts';

/**
 * So many unacknowledged messages a broker must be willing to send. Ten flushes a second of that many are 10,000
 * messages/s; Mosquitto's default of 20 would make it 200.
 */
const REQUIRED_WINDOW = 1_000;
/** How long the broker may take for what must come. */
const ANSWER_MS = 10_000;
/** Nothing more comes: the broker has sent as many as it will without a PUBACK. */
const SILENCE_MS = 2_000;

/** What went wrong in the conversation, as against what was found out. */
class Refused extends Error {}

/**
 * Finds out with a session of its own whether the broker keeps the promises that exactness rests on: a persistent
 * session, redelivery in order, a window that is large enough. Cleans up after itself.
 *
 * @param probeTopic must not match the counter's filter, or the probes would be counted
 * @returns a warning when the broker does not let us probe (its access rules, say); undefined when all is well
 * @throws OdometerError `broker_unsuitable`; other errors when the broker does not answer
 */
export async function checkBroker(
  endpoint: MqttEndpoint,
  clientId: string,
  probeTopic: string,
): Promise<string | undefined> {
  const subscriberId = `${clientId}-preflight`;
  const publisher = new ProbeConnection(endpoint);
  const first = new ProbeConnection(endpoint);
  const second = new ProbeConnection(endpoint);
  try {
    await first.connect(subscriberId, true);
    await first.subscribe(probeTopic);
    await publisher.connect(`${subscriberId}-publisher`, true);
    await publisher.publishMany(probeTopic, REQUIRED_WINDOW);
    await first.receive(REQUIRED_WINDOW);
    const sent = [...first.packetIds];
    if (sent.length < REQUIRED_WINDOW) {
      throw new OdometerError('broker_unsuitable', {
        reason: `it sends ${sent.length} messages without a PUBACK, and ${REQUIRED_WINDOW} are needed (Mosquitto: max_inflight_messages 20000)`,
      });
    }
    first.close();
    const sessionPresent = await second.connect(subscriberId, false);
    if (!sessionPresent) {
      throw new OdometerError('broker_unsuitable', {
        reason: 'it keeps no session when a client disconnects, so restarts would lose messages',
      });
    }
    await second.receive(sent.length);
    const again = second.packetIds.slice(0, sent.length);
    if (again.length < sent.length || again.some((packetId, index) => packetId !== sent[index])) {
      throw new OdometerError('broker_unsuitable', {
        reason: 'it does not redeliver unacknowledged messages in their order',
      });
    }
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  } finally {
    publisher.close();
    first.close();
    await second.forget(subscriberId);
  }
}

/** A connection that acknowledges nothing. */
class ProbeConnection {
  readonly #endpoint: MqttEndpoint;
  readonly #answers: Packet[] = [];
  readonly packetIds: number[] = [];
  #socket: Socket | undefined;
  #failure: Error | undefined;
  /** How many messages the broker takes before it has acknowledged the first. */
  #mayPublish = 1;

  constructor(endpoint: MqttEndpoint) {
    this.#endpoint = endpoint;
  }

  /** Returns whether the broker knew the session. */
  async connect(clientId: string, clean: boolean): Promise<boolean> {
    const scanner = new FrameScanner({
      publish: (_qos, _retain, packetId) => {
        this.packetIds.push(packetId);
      },
      packet: (_type, bytes) => {
        this.#answers.push(decodePacket(bytes));
        return true;
      },
    });
    const socket = openSocket(this.#endpoint, (bytes, buffer) => {
      try {
        scanner.push(buffer, 0, bytes);
      } catch (error) {
        this.#failure ??= error as Error;
      }
      return true;
    });
    this.#socket = socket;
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.on('close', () => {
      this.#failure ??= new Error('the broker closed the connection');
    });
    socket.resume();
    socket.once(readyEvent(this.#endpoint), () => {
      socket.write(
        encodePacket({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 5,
          clean,
          clientId,
          keepalive: 60,
          // A minute, so that nothing is left behind if we die now.
          properties: { sessionExpiryInterval: 60, receiveMaximum: REQUIRED_WINDOW },
          ...credentials(this.#endpoint),
        }),
      );
    });
    const connack = await this.#answer('connack');
    this.#mayPublish = connack.properties?.receiveMaximum ?? 65_535;
    if (connack.reasonCode !== 0) {
      throw new Error(`the broker refused the connection, reason ${connack.reasonCode}`);
    }
    return connack.sessionPresent;
  }

  async subscribe(topic: string): Promise<void> {
    const subscriptions = [{ topic, qos: 1 as const, nl: false, rap: false, rh: 2 }];
    this.#write({ cmd: 'subscribe', messageId: 1, subscriptions });
    const { granted } = await this.#answer('suback');
    if (granted[0] !== 1) throw new Refused(`the broker does not let us subscribe ${topic}`);
  }

  async publishMany(topic: string, count: number): Promise<void> {
    let unacknowledged = 0;
    for (let messageId = 1; messageId <= count; messageId += 1) {
      const flags = { qos: 1, dup: false, retain: false } as const;
      this.#write({ cmd: 'publish', topic, payload: '', messageId, ...flags });
      unacknowledged += 1;
      // The first alone: it may be refused.
      while (unacknowledged > 0 && (messageId === 1 || unacknowledged === this.#mayPublish)) {
        const { reasonCode = 0 } = await this.#answer('puback');
        if (reasonCode >= 0x80) throw new Refused(`the broker does not let us publish ${topic}`);
        unacknowledged -= 1;
      }
    }
  }

  /** Resolves when `count` messages have come, or no more do. */
  async receive(count: number): Promise<void> {
    let seen = -1;
    for (let silentMs = 0; this.packetIds.length < count && silentMs < SILENCE_MS; silentMs += 5) {
      if (this.packetIds.length !== seen) silentMs = 0;
      seen = this.packetIds.length;
      await this.#wait();
    }
  }

  close(): void {
    this.#socket?.destroy();
  }

  /** Makes the broker drop the session. */
  async forget(clientId: string): Promise<void> {
    try {
      if (this.#socket === undefined) await this.connect(clientId, true);
      this.#write({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
      this.#socket?.end();
    } catch {
      // It expires within a minute.
      this.close();
    }
  }

  #write(packet: Packet): void {
    this.#socket?.write(encodePacket(packet));
  }

  async #answer<Cmd extends Packet['cmd']>(cmd: Cmd): Promise<Packet & { readonly cmd: Cmd }> {
    for (let waitedMs = 0; waitedMs < ANSWER_MS; waitedMs += 5) {
      const index = this.#answers.findIndex((packet) => packet.cmd === cmd);
      const [found] = index === -1 ? [] : this.#answers.splice(index, 1);
      if (found !== undefined) return found as Packet & { readonly cmd: Cmd };
      await this.#wait();
    }
    throw new Error(`the broker sent no ${cmd}`);
  }

  async #wait(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await sleep(5);
  }
}
