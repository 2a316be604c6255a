import type { ProducerBooks } from '@odometer/domain/batch';
import type { CountBatch } from '@odometer/queues/catalogue';
import { Accumulator } from './accumulator.ts';
import { REJECTIONS, type Rejection } from './rejections.ts';
import type { TopicInterning, TopicMeaning } from './topic-interning.ts';
import { WithheldAcks } from './withheld-acks.ts';

/**
 * The receive maximum: how many QoS 1 messages the broker should have in flight to us, so how many one flush covers. It
 * is no setting, because it must never be lowered on a session that exists: the mark could then lie beyond what the
 * broker redelivers.
 */
export const RECEIVE_MAXIMUM = 20_000;

/**
 * How many messages may lie between the oldest one that the broker may hold and the mark. Fewer than the 65,535 packet
 * ids, so that the mark's is the first of its kind; three windows, so that a broker that keeps to its window (one is
 * unacknowledged, one is on its way back) never has a message deferred.
 */
const MARK_SPAN = 60_000;

/**
 * QoS 0 opens no further entries in a flush beyond this. It bounds memory while Redis is away, and a batch to a few MB;
 * QoS 1 adds no more than what is in flight, and is never refused for it: the broker holds back what we do not acknowledge.
 */
const MAX_OWNERS = 20_000;

const RETAINED: TopicMeaning = { owner: undefined, outbound: false, rejection: 'retained' };

/** What one flush holds, without its place in the sequence. */
export type FlushContent = Pick<CountBatch, 'books' | 'mark' | 'messages' | 'hours'>;

/** Messages whose fate is not decided; parallel arrays, because there may be tens of thousands. */
class Undecided {
  readonly meanings: TopicMeaning[] = [];
  readonly sizes: number[] = [];
  readonly packetIds: number[] = [];

  push(packetId: number, meaning: TopicMeaning, sizeBytes: number): void {
    this.packetIds.push(packetId);
    this.meanings.push(meaning);
    this.sizes.push(sizeBytes);
  }
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
  /** Came before the mark, which has yet to come. */
  #held = new Undecided();
  /** Came after so many unconfirmed PUBACKs that its packet id may not be unique; the first #decided are done. */
  #deferred = new Undecided();
  #decided = 0;
  #accepted = 0;
  #acceptedBytes = 0;
  /** Whether anything was decided since the last freeze. */
  #changed = false;

  /** @param mark the mark of the source's last durable flush, from the takeover */
  constructor(topics: TopicInterning, mark: number | null, nowMs: number) {
    this.#topics = topics;
    this.#acks = new WithheldAcks(MARK_SPAN, mark);
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

  /** Whether the mark is later than it can be: it must be given up. */
  get markIsOverdue(): boolean {
    return this.#acks.markIsOverdue;
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
    // Redelivered, or forgotten with the session.
    this.#held = new Undecided();
    this.#deferred = new Undecided();
    this.#decided = 0;
    this.#acks.connected(sessionPresent);
  }

  /** Tells the time, once per chunk of the stream. */
  tick(nowMs: number): void {
    this.#accumulator.tick(nowMs);
  }

  /** A PUBLISH as FrameScanner found it. */
  publish(
    qos: number,
    retain: boolean,
    packetId: number,
    bytes: Buffer,
    topicStart: number,
    topicEnd: number,
    payloadBytes: number,
  ): void {
    const sizeBytes = topicEnd - topicStart + payloadBytes;
    const mayAdd = qos > 0 || this.#accumulator.owners < MAX_OWNERS;
    const meaning = retain ? RETAINED : this.#topics.meaning(bytes, topicStart, topicEnd, mayAdd);
    if (qos === 0) {
      if (!mayAdd && meaning.owner !== undefined && this.#accumulator.isNew(meaning.owner)) {
        this.#reject('overflow');
      } else this.#decide(meaning, sizeBytes);
    } else if (qos === 2) {
      this.#reject('unexpected_qos');
    } else if (
      this.#deferred.packetIds.length > 0 ||
      !this.#arrived(packetId, meaning, sizeBytes)
    ) {
      this.#deferred.push(packetId, meaning, sizeBytes);
    }
  }

  /** The broker has read this many of the PUBACKs that `release` gave for this connection. */
  confirmed(count: number): void {
    this.#acks.confirmed(count);
    this.#decideDeferred();
  }

  /** The mark will not come: counts what waited for it. Returns how many messages that were. */
  giveUpMark(): number {
    const { meanings, sizes } = this.#held;
    this.#held = new Undecided();
    this.#acks.giveUpMark();
    for (const [index, meaning] of meanings.entries()) this.#decide(meaning, sizes[index] ?? 0);
    // Also when nothing was held: the next flush must replace the mark that is gone.
    this.#changed = true;
    this.#decideDeferred();
    return meanings.length;
  }

  /** Freezes all that was decided so far. Call it only when the flush before is durable. */
  freeze(): FlushContent {
    this.#changed = false;
    const mark = this.#acks.freeze();
    const content = { books: this.books, mark, ...this.#accumulator.freeze() };
    if (!this.#acks.resuming && this.#deferred.packetIds.length === 0) this.#topics.trim();
    return content;
  }

  /** The frozen flush is durable: returns the packet ids to acknowledge, in this order. */
  release(): Uint16Array {
    return this.#acks.release();
  }

  /** Returns whether the message is dealt with, or kept until the mark comes. */
  #arrived(packetId: number, meaning: TopicMeaning, sizeBytes: number): boolean {
    switch (this.#acks.arrived(packetId)) {
      case 'count':
        this.#decide(meaning, sizeBytes);
        return true;
      case 'undecided':
        this.#held.push(packetId, meaning, sizeBytes);
        return true;
      case 'mark':
        this.#rejected.redelivered += this.#held.packetIds.length + 1;
        this.#changed = true;
        this.#held = new Undecided();
        return true;
      case 'defer':
        return false;
    }
  }

  #decideDeferred(): void {
    const { packetIds, meanings, sizes } = this.#deferred;
    for (; this.#decided < packetIds.length; this.#decided += 1) {
      const meaning = meanings[this.#decided] ?? RETAINED;
      if (!this.#arrived(packetIds[this.#decided] ?? 0, meaning, sizes[this.#decided] ?? 0)) return;
    }
    this.#deferred = new Undecided();
    this.#decided = 0;
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
