/**
 * Cuts a TCP byte stream into MQTT 5 packets. mqtt-packet's parser buffers whole payloads (256 MB each, if a device
 * likes) and makes objects per message; a counter needs neither, so of a PUBLISH only the topic and the sizes are read
 * and the payload bytes are skipped. All other packet types are rare, and are handed over whole.
 */

const PUBLISH = 3;
/** Fixed header: one byte of type and flags, up to four of length. */
const MAX_FIXED_HEADER = 5;
const MAX_TOPIC = 65_535;
/** Two bytes of topic length, two of packet id, up to four of properties length. */
const MAX_PUBLISH_HEAD = MAX_FIXED_HEADER + 2 + MAX_TOPIC + 2 + 4;
/** What a broker sends besides PUBLISH (CONNACK, SUBACK, DISCONNECT) is far smaller, unless it is no MQTT broker. */
const MAX_OTHER_PACKET = 65_536;

/** #skip while the frame's head is incomplete. */
const IN_HEAD = -1;

/** The peer does not speak MQTT, or we lost our place in the stream. The connection cannot be used any more. */
export class MalformedStream extends Error {
  override readonly name = 'MalformedStream';
}

export interface FrameHandler {
  /**
   * A PUBLISH has arrived completely.
   *
   * @param packetId 0 for QoS 0
   * @param bytes holds the topic from `topicStart` to `topicEnd`, only until this returns
   */
  publish(
    qos: number,
    retain: boolean,
    packetId: number,
    bytes: Buffer,
    topicStart: number,
    topicEnd: number,
    payloadBytes: number,
  ): void;
  /** Any other packet, whole. Return false to stop scanning after it: `push` then says where it stopped. */
  packet(type: number, bytes: Buffer): boolean;
}

/**
 * The state between two chunks:
 *
 *   between frames ──chunk ends inside a frame──▶ in head ──head complete──▶ in payload ──▶ between frames
 *
 * in head: the frame's first bytes are in #head, because the chunk's memory is used again for the next one.
 * in payload: #head holds the complete head, #skip says how many bytes are still to be dropped.
 * A frame that lies in one chunk, as nearly all do, is read in place.
 */
export class FrameScanner {
  readonly #handler: FrameHandler;
  readonly #head = Buffer.allocUnsafe(MAX_PUBLISH_HEAD);
  #headBytes = 0;
  #skip = IN_HEAD;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Forgets a frame that was cut off: for a new connection. */
  reset(): void {
    this.#headBytes = 0;
    this.#skip = IN_HEAD;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @returns where it stopped: `end`, or less when the handler asked to stop.
   * @throws MalformedStream
   */
  push(chunk: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#headBytes > 0) {
      at = this.#continue(chunk, at, end);
      if (at < 0) return -at;
    }
    while (at < end) {
      // The fixed header, read in place: type, then the remaining length of 1 to 4 bytes.
      const first = chunk[at] as number;
      let cursor = at + 1;
      let length = 0;
      let shift = 0;
      let byte = 0x80;
      while (cursor < end) {
        byte = chunk[cursor] as number;
        cursor += 1;
        length += (byte & 0x7f) << shift;
        if (byte < 0x80) break;
        shift += 7;
        if (shift > 21) throw new MalformedStream('a packet length of more than four bytes');
      }
      const next = cursor + length;
      if (byte >= 0x80 || next > end) {
        at = this.#continue(chunk, at, end);
        if (at < 0) return -at;
        continue;
      }
      if (first >> 4 === PUBLISH) this.#publish(chunk, first, cursor, next, next);
      else if (!this.#packet(first, chunk.subarray(at, next))) return next;
      at = next;
    }
    return at;
  }

  /** Reads a frame that does not lie in one chunk. Returns the place after what it used; negative to stop there. */
  #continue(chunk: Buffer, start: number, end: number): number {
    let at = start;
    while (this.#skip === IN_HEAD) {
      const wanted = this.#wantedHeadBytes();
      if (wanted <= this.#headBytes) {
        this.#skip = this.#frameBytes() - this.#headBytes;
        break;
      }
      if (at === end) return at;
      const copied = Math.min(wanted - this.#headBytes, end - at);
      chunk.copy(this.#head, this.#headBytes, at, at + copied);
      this.#headBytes += copied;
      at += copied;
    }
    const skipped = Math.min(this.#skip, end - at);
    this.#skip -= skipped;
    at += skipped;
    if (this.#skip > 0) return at;
    const head = this.#head;
    const headBytes = this.#headBytes;
    const frameBytes = this.#frameBytes();
    const fixedHeaderBytes = this.#fixedHeaderBytes();
    this.reset();
    const first = head[0] as number;
    if (first >> 4 === PUBLISH) {
      this.#publish(head, first, fixedHeaderBytes, headBytes, frameBytes);
      return at;
    }
    return this.#packet(first, Buffer.from(head.subarray(0, headBytes))) ? at : -at;
  }

  /** How many bytes of this frame #head must hold as far as can be told by now; no more than it has: it is complete. */
  #wantedHeadBytes(): number {
    const have = this.#headBytes;
    if (have < 2) return 2;
    const fixed = this.#fixedHeaderBytes();
    if (fixed === 0) {
      if (have === MAX_FIXED_HEADER) {
        throw new MalformedStream('a packet length of more than four bytes');
      }
      return have + 1;
    }
    const frame = this.#frameBytes();
    const first = this.#head[0] as number;
    if (first >> 4 !== PUBLISH) {
      if (frame > MAX_OTHER_PACKET) throw new MalformedStream(`a packet of ${frame} bytes`);
      return frame;
    }
    // Bounded by the frame throughout: a length inside that lies must not make us wait for the next frame's bytes.
    if (have < fixed + 2) return Math.min(frame, fixed + 2);
    const topicEnd = fixed + 2 + this.#head.readUInt16BE(fixed);
    const propertiesAt = topicEnd + ((first & 0x06) === 0 ? 0 : 2);
    let wanted = propertiesAt + 1;
    while (
      have >= wanted &&
      wanted < propertiesAt + 4 &&
      (this.#head[wanted - 1] as number) >= 0x80
    ) {
      wanted += 1;
    }
    return Math.min(frame, wanted);
  }

  /** Bytes of #head's fixed header, 0 while it is incomplete. */
  #fixedHeaderBytes(): number {
    for (let index = 1; index < Math.min(this.#headBytes, MAX_FIXED_HEADER); index += 1) {
      if ((this.#head[index] as number) < 0x80) return index + 1;
    }
    return 0;
  }

  /** Size of the whole frame in #head, whose fixed header is complete. */
  #frameBytes(): number {
    const fixed = this.#fixedHeaderBytes();
    let length = 0;
    for (let index = 1; index < fixed; index += 1) {
      length += ((this.#head[index] as number) & 0x7f) << (7 * (index - 1));
    }
    return fixed + length;
  }

  /**
   * @param at behind the fixed header
   * @param have how far `bytes` may be read
   * @param frameEnd where the frame ends, counted like `at`; beyond `have` when the payload was skipped
   */
  #publish(bytes: Buffer, first: number, at: number, have: number, frameEnd: number): void {
    const qos = (first >> 1) & 3;
    if (qos === 3) throw new MalformedStream('QoS 3');
    const topicStart = at + 2;
    if (topicStart > have) throw new MalformedStream('a PUBLISH without a topic');
    const topicEnd = topicStart + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
    let cursor = topicEnd;
    let packetId = 0;
    if (qos > 0) {
      if (cursor + 2 > have) throw new MalformedStream('a PUBLISH shorter than its topic');
      packetId = ((bytes[cursor] as number) << 8) | (bytes[cursor + 1] as number);
      if (packetId === 0) throw new MalformedStream('packet id 0');
      cursor += 2;
    }
    let propertiesBytes = 0;
    let shift = 0;
    let byte = 0x80;
    while (byte >= 0x80) {
      if (cursor >= have || shift > 21) throw new MalformedStream('a PUBLISH without properties');
      byte = bytes[cursor] as number;
      cursor += 1;
      propertiesBytes += (byte & 0x7f) << shift;
      shift += 7;
    }
    const payloadBytes = frameEnd - cursor - propertiesBytes;
    if (payloadBytes < 0) throw new MalformedStream('properties longer than their packet');
    this.#handler.publish(
      qos,
      (first & 1) === 1,
      packetId,
      bytes,
      topicStart,
      topicEnd,
      payloadBytes,
    );
  }

  #packet(first: number, bytes: Buffer): boolean {
    return this.#handler.packet(first >> 4, bytes);
  }
}
