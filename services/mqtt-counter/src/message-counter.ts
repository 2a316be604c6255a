import type { ProducerBooks } from '@odometer/domain/batch';
import type { CountBatch } from '@odometer/queues/catalogue';
import { Accumulator } from './accumulator.ts';
import { REJECTIONS, type Rejection } from './rejections.ts';
import type { TopicInterning, TopicMeaning } from './topic-interning.ts';
import { WithheldAcks } from './withheld-acks.ts';

/**
 * The receive maximum: how many QoS 1 messages the broker may have in flight to us, so how many one flush can cover.
 * Packet ids end at 65,535, and a broker may misbehave near that. It is no setting, because it must never be lowered on
 * a session that exists: the mark could then lie beyond what the broker redelivers.
 */
export const RECEIVE_MAXIMUM = 20_000;

/**
 * QoS 0 opens no further entries in a flush beyond this. It bounds memory while Redis is away, and a batch to a few MB;
 * QoS 1 adds at most RECEIVE_MAXIMUM, and is never refused for it: the broker holds back what we do not acknowledge.
 */
const MAX_OWNERS = 20_000;

const RETAINED: TopicMeaning = { owner: undefined, outbound: false, rejection: 'retained' };

/** What one flush holds, without its place in the sequence. */
export type FlushContent = Pick<CountBatch, 'books' | 'mark' | 'messages' | 'hours'>;

/** Messages whose fate waits for the mark; parallel arrays, because there may be RECEIVE_MAXIMUM of them. */
interface Held {
  readonly meanings: TopicMeaning[];
  readonly sizes: number[];
}

/**
 * Counts what arrives: the meeting of topics, open counts, withheld acknowledgements and books. Knows neither sockets
 * nor queues. The books count a message when its fate is decided; what is undecided when a connection breaks is
 * redelivered and enters the books then, once.
 */
export class MessageCounter {
  readonly #topics: TopicInterning;
  readonly #acks: WithheldAcks;
  readonly #accumulator: Accumulator;
  readonly #rejected: Record<Rejection, number>;
  #held: Held = { meanings: [], sizes: [] };
  #accepted = 0;
  #acceptedBytes = 0;
  /** Whether anything was decided since the last freeze. */
  #changed = false;

  /** @param mark the mark of the source's last durable flush, from the takeover */
  constructor(topics: TopicInterning, mark: number | null, nowMs: number) {
    this.#topics = topics;
    this.#acks = new WithheldAcks(RECEIVE_MAXIMUM, mark);
    this.#accumulator = new Accumulator(nowMs);
    this.#rejected = Object.fromEntries(REJECTIONS.map((reason) => [reason, 0])) as Record<
      Rejection,
      number
    >;
  }

  /** Running totals since the epoch began. */
  get books(): ProducerBooks {
    let rejected = 0;
    for (const reason of REJECTIONS) rejected += this.#rejected[reason];
    return { received: this.#accepted + rejected, rejected, accepted: this.#accepted };
  }

  get rejected(): Readonly<Record<Rejection, number>> {
    return this.#rejected;
  }

  /** Topic and payload bytes of accepted messages. */
  get acceptedBytes(): number {
    return this.#acceptedBytes;
  }

  /** QoS 1 messages whose PUBACK is owed. */
  get unacknowledged(): number {
    return this.#acks.pendingCount;
  }

  /** Whether the mark of the last connection or process has yet to come. */
  get awaitsMark(): boolean {
    return this.#acks.resuming;
  }

  get hasContent(): boolean {
    return this.#changed;
  }

  /** Whether half of the window or of the room for owners is used: a flush should not wait for its timer then. */
  get isHalfFull(): boolean {
    return (
      this.#acks.unfrozenCount >= RECEIVE_MAXIMUM / 2 || this.#accumulator.owners >= MAX_OWNERS / 2
    );
  }

  /** A new connection. The caller must not subscribe while `awaitsMark`, nor before a dropped mark is durably gone. */
  connected(sessionPresent: boolean): void {
    this.#held = { meanings: [], sizes: [] };
    this.#acks.connected(sessionPresent);
  }

  /** Tells the time, once per chunk of the stream. */
  tick(nowMs: number): void {
    this.#accumulator.tick(nowMs);
  }

  /**
   * A PUBLISH as FrameScanner found it.
   *
   * @returns false when the broker has exceeded the receive maximum: the connection must be closed.
   */
  publish(
    qos: number,
    retain: boolean,
    packetId: number,
    bytes: Buffer,
    topicStart: number,
    topicEnd: number,
    payloadBytes: number,
  ): boolean {
    const sizeBytes = topicEnd - topicStart + payloadBytes;
    const mayAdd = qos > 0 || this.#accumulator.owners < MAX_OWNERS;
    const meaning = retain ? RETAINED : this.#topics.meaning(bytes, topicStart, topicEnd, mayAdd);
    if (qos === 0) {
      if (!mayAdd && meaning.owner !== undefined && this.#accumulator.isNew(meaning.owner)) {
        this.#reject('overflow');
      } else this.#decide(meaning, sizeBytes);
      return true;
    }
    if (qos === 2) {
      this.#reject('unexpected_qos');
      return true;
    }
    switch (this.#acks.arrived(packetId)) {
      case 'count':
        this.#decide(meaning, sizeBytes);
        return true;
      case 'undecided':
        this.#held.meanings.push(meaning);
        this.#held.sizes.push(sizeBytes);
        return true;
      case 'mark':
        this.#rejected.redelivered += this.#held.meanings.length + 1;
        this.#changed = true;
        this.#held = { meanings: [], sizes: [] };
        return true;
      case 'beyond_window':
        return false;
    }
  }

  /** The mark will not come: counts what waited for it. Returns how many messages that were. */
  giveUpMark(): number {
    const { meanings, sizes } = this.#held;
    this.#held = { meanings: [], sizes: [] };
    this.#acks.giveUpMark();
    for (const [index, meaning] of meanings.entries()) this.#decide(meaning, sizes[index] ?? 0);
    // Also when nothing was held: the next flush must replace the mark that is gone.
    this.#changed = true;
    return meanings.length;
  }

  /** Freezes all that was decided so far. Call it only when the flush before is durable. */
  freeze(): FlushContent {
    this.#changed = false;
    const mark = this.#acks.freeze();
    const content = { books: this.books, mark, ...this.#accumulator.freeze() };
    if (!this.#acks.resuming) this.#topics.trim();
    return content;
  }

  /** The frozen flush is durable: returns the packet ids to acknowledge, in this order. */
  release(): Uint16Array {
    return this.#acks.release();
  }

  #decide(meaning: TopicMeaning, sizeBytes: number): void {
    this.#changed = true;
    if (meaning.owner === undefined) {
      this.#reject(meaning.rejection ?? 'topic_outside_template');
      return;
    }
    this.#accepted += 1;
    this.#acceptedBytes += sizeBytes;
    this.#accumulator.count(meaning.owner, meaning.outbound, sizeBytes);
  }

  #reject(reason: Rejection): void {
    this.#changed = true;
    this.#rejected[reason] += 1;
  }
}
