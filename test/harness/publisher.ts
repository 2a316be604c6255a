import { connect, type Socket } from 'node:net';
import type { Oracle, PlannedMessage } from './oracle.ts';

/**
 * A publisher of QoS 1 messages that never publishes one twice: a repeated publish is a second message to everybody, so a
 * publisher that repeats would blur what must be counted. It speaks just enough MQTT 3.1.1 on a bare socket, which leaves
 * the machine's cores to what is tested.
 *
 * State: offline → (CONNACK) → online → (socket closed) → offline … → closed. A message without PUBACK when the socket
 * closes is unknown for ever.
 */
export class Publisher {
  readonly #port: number;
  readonly #oracle: Oracle;
  readonly #clientId: string;
  readonly #inFlight = new Map<number, PlannedMessage>();
  #socket: Socket | undefined;
  #online = false;
  #closed = false;
  #paused = false;
  #nextId = 1;
  #buffered: Buffer = Buffer.alloc(0);
  #pinger: NodeJS.Timeout | undefined;

  constructor(port: number, oracle: Oracle, clientId: string) {
    this.#port = port;
    this.#oracle = oracle;
    this.#clientId = clientId;
    this.#connect();
    this.#pinger = setInterval(() => {
      if (this.#online) this.#socket?.write(Buffer.from([0xc0, 0]));
    }, 15_000);
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get isOnline(): boolean {
    return this.#online;
  }

  /** Holds further messages back and waits for the PUBACKs of those under way, so that none becomes unknown. */
  async pause(): Promise<void> {
    this.#paused = true;
    while (this.#inFlight.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  resume(): void {
    this.#paused = false;
  }

  /** @returns false when it cannot be sent right now; nothing has happened then. */
  publish(message: PlannedMessage, maxInFlight: number): boolean {
    const socket = this.#socket;
    if (!this.#online || this.#paused || socket === undefined) return false;
    if (this.#inFlight.size >= maxInFlight || socket.writableLength > 1_000_000) return false;
    while (this.#inFlight.has(this.#nextId)) this.#advance();
    const id = this.#nextId;
    this.#advance();
    this.#inFlight.set(id, message);
    this.#oracle.attemptMessage();
    socket.write(publishPacket(message, id));
    return true;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#pinger);
    this.#socket?.destroy();
  }

  #advance(): void {
    this.#nextId = (this.#nextId % 0xffff) + 1;
  }

  #connect(): void {
    if (this.#closed) return;
    const socket = connect(this.#port, '127.0.0.1');
    socket.setNoDelay(true);
    this.#socket = socket;
    this.#buffered = Buffer.alloc(0);
    socket.on('connect', () => socket.write(connectPacket(this.#clientId)));
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#online = false;
      this.#oracle.unknownMessages += this.#inFlight.size;
      this.#inFlight.clear();
      setTimeout(() => this.#connect(), 50);
    });
  }

  #read(chunk: Buffer): void {
    const bytes = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    let at = 0;
    while (at + 2 <= bytes.length) {
      // CONNACK, PUBACK and PINGRESP all have a length of one byte.
      const length = 2 + bytes.readUInt8(at + 1);
      if (at + length > bytes.length) break;
      const type = bytes.readUInt8(at) >> 4;
      if (type === 2) this.#online = true;
      if (type === 4) {
        const id = bytes.readUInt16BE(at + 2);
        const message = this.#inFlight.get(id);
        if (message !== undefined) {
          this.#inFlight.delete(id);
          this.#oracle.acknowledgeMessage(message);
        }
      }
      at += length;
    }
    this.#buffered = bytes.subarray(at);
  }
}

function connectPacket(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  const variable = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, id.length]);
  return Buffer.concat([Buffer.from([0x10, variable.length + id.length]), variable, id]);
}

function publishPacket({ topic, payload }: PlannedMessage, id: number): Buffer {
  const topicBytes = Buffer.from(topic);
  const remaining = 2 + topicBytes.length + 2 + payload.length;
  const header = [0x32];
  for (let rest = remaining; ; ) {
    const low = rest % 128;
    rest = (rest - low) / 128;
    header.push(rest > 0 ? low | 0x80 : low);
    if (rest === 0) break;
  }
  const packet = Buffer.alloc(header.length + remaining);
  packet.set(header, 0);
  let at = packet.writeUInt16BE(topicBytes.length, header.length);
  at += topicBytes.copy(packet, at);
  at = packet.writeUInt16BE(id, at);
  payload.copy(packet, at);
  return packet;
}
