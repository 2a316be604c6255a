import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { IConnackPacket, ISubackPacket } from 'mqtt-packet';
import { decodePacket, encodePacket, encodePubacks, encodeRefusal } from './control-packets.ts';
import { type FrameHandler, FrameScanner } from './frame-scanner.ts';
import { credentials, type MqttEndpoint, openSocket, readyEvent } from './mqtt-endpoint.ts';

export interface SubscriberOptions extends MqttEndpoint {
  readonly clientId: string;
  readonly filter: string;
  readonly keepaliveSeconds: number;
  /** How long the broker keeps the session, and our messages in it, while we are away. */
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
}

/** What is known when the broker has accepted a connection. */
export interface Connected {
  readonly sessionPresent: boolean;
  /** When the connection before was lost, in ms since the epoch; undefined for the first of this process. */
  readonly lostAtMs: number | undefined;
  /** Nobody listened at the broker's address meanwhile: it was down, not just out of reach. */
  readonly brokerWasDown: boolean;
}

/** Thrown by a handler that knows of a successor: the session ends for good, as after DISCONNECT 0x8E. */
export class TakenOver extends Error {
  override readonly name = 'TakenOver';
}

export interface SubscriberHandler {
  /**
   * Before each CONNECT, the first included, when the broker can be reached. Not every broker says who was taken over (Mosquitto 2.0 just closes the
   * connection), so this is where a replaced counter learns it, before it takes over in turn.
   *
   * @throws TakenOver; anything else is tried again later
   */
  connecting(): Promise<void>;
  /**
   * CONNACK has come. Reading is held, whatever else has arrived, until this resolves. `subscribe` is for the handler to
   * call, then or later: what the session has in flight comes without.
   *
   * @throws TakenOver; after anything else the connection is given up and tried again
   */
  connected(connected: Connected): Promise<void>;
  /** See FrameHandler. */
  publish: FrameHandler['publish'];
  /** Before and after the packets of each chunk of the stream. */
  chunkStart(): void;
  chunkEnd(): void;
  /** SUBACK has come: messages flow. */
  subscribed(): void;
  /** The connection is gone, or could not be opened; another will be tried after `retryInMs`. */
  lost(error: Error, retryInMs: number): void;
  /** Another client has our session. This one is over and connects no more. */
  takenOver(): void;
}

type State = 'idle' | 'connecting' | 'held' | 'reading' | 'live' | 'closed' | 'over';

/** Doubling from here with full jitter. The first retry comes at once: a broker that restarts is back soon. */
const FIRST_BACKOFF_MS = 100;
/** A counter is one client: asking every few seconds costs the broker nothing, and waiting longer fills its queues. */
const MAX_BACKOFF_MS = 5_000;
/** A connection that lived this long was a good one: the next is tried at once. */
const GOOD_CONNECTION_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * Whoever reads faster than a broker writes is woken for every message, and the broker pays for the waking. After a read
 * that found little, messages gather in the socket for this long; a count is not in a hurry.
 */
const GATHER_MS = 5;
/** What counts as little: well below a read, so that a stream that fills reads is never held up. */
const LITTLE_BYTES = 32_768;
/** What MQTT 5 takes for the window of a broker that names none. */
const LARGEST_WINDOW = 65_535;
const SESSION_TAKEN_OVER = 0x8e;
const SUBSCRIBE_ID = 1;
const UNSUBSCRIBE_ID = 2;

/**
 * A persistent MQTT 5 session with one subscription, whose PUBACKs are sent when the caller says so. MQTT.js has no
 * public way to withhold a PUBACK without stopping its packet pump, pings included; this is the small part of a client
 * that a counter needs, on MQTT.js's own codec.
 *
 *   idle ─start─▶ connecting ─CONNACK─▶ held ─handler.connected()─▶ reading ─SUBACK─▶ live
 *                     ▲                   │                             │              │
 *                     └──── backoff ◀── closed ◀── error, timeout, broker's DISCONNECT ┘
 *   any ─stop()─▶ over            any ─DISCONNECT 0x8E, or TakenOver thrown by the handler─▶ over
 *
 * held: the socket is not read, and what came in one chunk with CONNACK waits in #leftover; pings go out, so the broker
 *   keeps us. Nothing is counted before the takeover is complete.
 * over: for good. A session that was taken over must never connect again: it would take over in turn, for ever.
 */
export class SubscriberSession {
  readonly #options: SubscriberOptions;
  readonly #handler: SubscriberHandler;
  readonly #scanner: FrameScanner;
  readonly #stop = new AbortController();
  #state: State = 'idle';
  #socket: Socket | undefined;
  #leftover: Buffer | undefined;
  #paused = false;
  #closeReason: Error | undefined;
  #lastReadMs = 0;
  #liveSinceMs: number | undefined;
  #running: Promise<void> | undefined;
  #lostAtMs: number | undefined;
  #brokerWasDown = false;
  #brokerWindow = LARGEST_WINDOW;
  /** One entry for each PINGREQ without an answer. */
  #pings: (() => void)[] = [];

  constructor(options: SubscriberOptions, handler: SubscriberHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#scanner = new FrameScanner({
      publish: (qos, retain, packetId, bytes, topicStart, topicEnd, payloadBytes) => {
        handler.publish(qos, retain, packetId, bytes, topicStart, topicEnd, payloadBytes);
        if (qos === 2) this.#socket?.write(encodeRefusal(packetId));
      },
      packet: (_type, bytes) => this.#packet(bytes),
    });
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /**
   * How many QoS 1 messages the broker sends without a PUBACK, as far as it tells: what it takes at once itself is, with
   * Mosquitto, the same setting (`max_inflight_messages`), and no broker says more.
   */
  get window(): number {
    return Math.min(this.#options.receiveMaximum, this.#brokerWindow);
  }

  /** Connects, and again whenever the connection is lost, until `stop` or a takeover. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Subscribes our filter on this connection, and lets go of filters of former days. */
  subscribe(strays: readonly string[]): void {
    if (!this.#isGreeted()) return;
    if (strays.length > 0) {
      this.#socket?.write(
        encodePacket({
          cmd: 'unsubscribe',
          messageId: UNSUBSCRIBE_ID,
          unsubscriptions: [...strays],
        }),
      );
    }
    this.#socket?.write(
      encodePacket({
        cmd: 'subscribe',
        messageId: SUBSCRIBE_ID,
        // rh 2: never replay retained messages, on no subscribe; their publish was counted when it happened.
        subscriptions: [{ topic: this.#options.filter, qos: 1, nl: false, rap: false, rh: 2 }],
      }),
    );
  }

  /** Reads no more, but stays connected: what is already counted can still be acknowledged. */
  pauseReading(): void {
    this.#paused = true;
    this.#socket?.pause();
  }

  /** Says goodbye (the broker keeps the session) and ends. Idempotent. */
  async stop(): Promise<void> {
    const socket = this.#socket;
    const greeted = this.#isGreeted();
    this.#state = 'over';
    this.#stop.abort();
    if (socket !== undefined && !socket.destroyed && greeted) {
      // Written after the PUBACKs on the same socket, so when it has left they have.
      await new Promise<void>((resolve) => {
        socket.once('close', resolve);
        socket.end(encodePacket({ cmd: 'disconnect', reasonCode: 0 }), () => socket.destroy());
      });
    }
    socket?.destroy();
    await this.#running;
  }

  /** Acknowledges messages of this connection, in this order. Dropped when there is none: then they come again. */
  acknowledge(packetIds: Uint16Array): void {
    if (packetIds.length > 0 && this.#isGreeted()) this.#socket?.write(encodePubacks(packetIds));
  }

  /**
   * Resolves when the broker has answered a ping sent now: all that it had sent before has been handled then. Never
   * settles when the connection is lost first.
   */
  async roundTrip(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#ping(resolve);
    });
  }

  /** Gives the connection up and tries a new one. */
  reconnect(reason: Error): void {
    this.#close(reason);
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      this.#liveSinceMs = undefined;
      const error = await this.#attempt();
      if (this.#isOver()) return;
      let retryInMs = 0;
      if (this.#liveSinceMs !== undefined) this.#lostAtMs = Date.now();
      if (performance.now() - (this.#liveSinceMs ?? Infinity) > GOOD_CONNECTION_MS) failures = 0;
      else {
        const capMs = Math.min(FIRST_BACKOFF_MS * 2 ** failures, MAX_BACKOFF_MS);
        retryInMs = Math.round(capMs * (0.5 + Math.random() / 2));
        failures += 1;
      }
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') this.#brokerWasDown = true;
      this.#handler.lost(error, retryInMs);
      await pause(retryInMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** One connection, from its beginning to its end. Returns why it ended. */
  async #attempt(): Promise<Error> {
    try {
      await this.#connection();
    } catch (error) {
      this.#closeReason ??= error as Error; // A PEM file that cannot be read.
    }
    const reason = this.#closeReason ?? new Error('the connection was closed');
    this.#closeReason = undefined;
    this.#socket = undefined;
    if (!this.#isOver()) this.#state = 'closed';
    return reason;
  }

  async #connection(): Promise<void> {
    this.#state = 'connecting';
    this.#scanner.reset();
    this.#leftover = undefined;
    this.#pings = [];
    const socket = openSocket(this.#options, (bytes, buffer) => this.#read(buffer, bytes));
    this.#socket = socket;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      if (this.#state === 'connecting') socket.destroy(new Error('no CONNACK in time'));
    });
    let asked = Promise.resolve();
    // Asked when the broker is there, not before: how long the answer takes must not hide that it was down.
    socket.once(readyEvent(this.#options), () => {
      asked = this.#handler.connecting().then(
        () => {
          if (!socket.destroyed) socket.write(this.#connect());
        },
        (error: Error) => this.#refuse(socket, error),
      );
    });
    // With onread there are no data events, but without a flowing stream no end either.
    socket.resume();
    const pingMs = (this.#options.keepaliveSeconds * 1000) / 2;
    const keepalive = setInterval(() => this.#keepAlive(), pingMs);
    await new Promise<void>((resolve) => {
      socket.on('error', (error) => {
        this.#closeReason ??= error;
      });
      socket.once('close', () => resolve());
    });
    clearInterval(keepalive);
    // One question at a time: the next attempt's must not be answered before this one's.
    await asked;
  }

  #connect(): Buffer {
    const { clientId, keepaliveSeconds, sessionExpirySeconds, receiveMaximum } = this.#options;
    return encodePacket({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: false,
      clientId,
      keepalive: keepaliveSeconds,
      // Without an expiry the broker drops a session of MQTT 5 with its connection, whatever `clean` says.
      properties: { sessionExpiryInterval: sessionExpirySeconds, receiveMaximum },
      ...credentials(this.#options),
    });
  }

  #read(buffer: Buffer, bytes: number): boolean {
    this.#lastReadMs = performance.now();
    if (!this.#scan(buffer, bytes)) return false;
    if (this.#state !== 'live' || bytes >= LITTLE_BYTES) return true;
    const socket = this.#socket;
    setTimeout(() => {
      if (this.#socket === socket && !this.#paused) socket?.resume();
    }, GATHER_MS);
    return false;
  }

  /** Returns whether reading may go on. */
  #scan(buffer: Buffer, bytes: number): boolean {
    try {
      this.#handler.chunkStart();
      const used = this.#scanner.push(buffer, 0, bytes);
      this.#handler.chunkEnd();
      if (this.#state === 'held') {
        // Reading is held from CONNACK on; this may be called again once, with this leftover.
        this.#leftover = Buffer.from(buffer.subarray(used, bytes));
        return false;
      }
      return !this.#paused;
    } catch (error) {
      this.#close(error as Error);
      return false;
    }
  }

  /** Any packet but PUBLISH. Returns false to hold the rest of the stream. */
  #packet(bytes: Buffer): boolean {
    const packet = decodePacket(bytes);
    switch (packet.cmd) {
      case 'connack':
        this.#connack(packet);
        return false;
      case 'suback':
        this.#suback(packet);
        return true;
      case 'pingresp':
        this.#pings.shift()?.();
        return true;
      case 'disconnect':
        if (packet.reasonCode === SESSION_TAKEN_OVER) this.#takenOver();
        throw new Error(`the broker disconnected us, reason ${hex(packet.reasonCode)}`);
      default:
        return true; // UNSUBACK: nothing depends on it. PUBREL cannot come, as we refuse QoS 2.
    }
  }

  #connack({ reasonCode = 0, sessionPresent, properties }: IConnackPacket): void {
    if (this.#state !== 'connecting') throw new Error('a second CONNACK');
    if (reasonCode !== 0) {
      const why = properties?.reasonString ?? '';
      throw new Error(`the broker refused the connection, reason ${hex(reasonCode)} ${why}`.trim());
    }
    this.#brokerWindow = properties?.receiveMaximum ?? LARGEST_WINDOW;
    this.#state = 'held';
    this.#socket?.setTimeout(0);
    const connected: Connected = {
      sessionPresent,
      lostAtMs: this.#lostAtMs,
      brokerWasDown: this.#brokerWasDown && this.#lostAtMs !== undefined,
    };
    this.#brokerWasDown = false;
    const socket = this.#socket;
    this.#handler.connected(connected).then(
      () => {
        if (this.#socket === socket && this.#state === 'held') this.#proceed();
      },
      (error: Error) => this.#refuse(socket, error),
    );
  }

  /** The handler does not want this connection. */
  #refuse(socket: Socket | undefined, error: Error): void {
    if (this.#socket !== socket) return;
    if (error instanceof TakenOver) this.#takenOver();
    this.#close(error);
  }

  #proceed(): void {
    this.#state = 'reading';
    const leftover = this.#leftover;
    this.#leftover = undefined;
    this.#lastReadMs = performance.now();
    if (leftover !== undefined && !this.#scan(leftover, leftover.length)) return;
    if (!this.#paused) this.#socket?.resume();
  }

  #suback({ granted, messageId }: ISubackPacket): void {
    if (messageId !== SUBSCRIBE_ID || this.#state !== 'reading') return;
    const code = granted[0];
    const reason = typeof code === 'number' ? code : 0x80;
    if (reason !== 1) {
      throw new Error(
        reason < 0x80
          ? `the broker grants QoS ${reason} only`
          : `the broker refused the subscription, reason ${hex(reason)}`,
      );
    }
    this.#state = 'live';
    this.#liveSinceMs = performance.now();
    this.#handler.subscribed();
  }

  #keepAlive(): void {
    if (!this.#isGreeted()) return;
    const silentMs = performance.now() - this.#lastReadMs;
    // Not while reading is held: then the silence is ours.
    if (this.#messagesFlow() && !this.#paused && silentMs > this.#options.keepaliveSeconds * 1500) {
      this.#close(new Error(`nothing heard of the broker for ${Math.round(silentMs)} ms`));
    } else this.#ping(() => {});
  }

  #ping(answered: () => void): void {
    if (!this.#isGreeted()) return;
    this.#pings.push(answered);
    this.#socket?.write(encodePacket({ cmd: 'pingreq' }));
  }

  /** Whether the broker has accepted this connection: before, it may be sent CONNECT only. */
  #isGreeted(): boolean {
    return this.#state === 'held' || this.#messagesFlow();
  }

  #messagesFlow(): boolean {
    return this.#state === 'live' || this.#state === 'reading';
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #takenOver(): void {
    if (this.#isOver()) return;
    this.#state = 'over';
    this.#stop.abort();
    this.#handler.takenOver();
  }

  #close(reason: Error): void {
    this.#closeReason ??= reason;
    this.#socket?.destroy();
  }
}

function hex(reasonCode: number | undefined): string {
  return `0x${(reasonCode ?? 0).toString(16).padStart(2, '0')}`;
}
