/** What is to be done with a QoS 1 message that has just arrived. */
export type Arrival =
  /** Count it: nobody has. */
  | 'count'
  /** We cannot tell yet: keep it until the mark comes or is given up. */
  | 'undecided'
  /** It is the mark: it was counted before, and so was all that is undecided. */
  | 'mark'
  /** Ask again, after those before it, when `confirmed` or `giveUpMark` has been called: its id may not be unique yet. */
  | 'defer';

/**
 * Decides which redelivered messages were counted already, and which PUBACKs may be sent.
 *
 * The PUBACK of the last message of a flush is withheld until the next flush is durable; each flush stores that one
 * packet id, its mark. So whatever happens, the broker still holds the mark of the last durable flush in flight, its id
 * names no other message, and it is redelivered in its place: all before it and itself was counted, all after it is new.
 * The DUP flag says nothing of this and is not looked at; nor may ids be remembered once they are acknowledged, because
 * the broker uses them again.
 *
 *                    connected, no mark, or the broker forgot the session (which drops the mark)
 *                        ┌──────────────────────────────────────────────┐
 *   disconnected ────────┤                                              ▼
 *        ▲               └─connected, mark──▶ resuming ──mark came──▶ synced
 *        │                                        │                     ▲
 *        │                                        └──giveUpMark─────────┘
 *        └──────────────────────── connected again, at any time
 *
 * resuming: messages arrive, all undecided, and nothing is acknowledged. The mark comes before any new message, because
 *   it is in flight and the broker redelivers what is in flight first and in order.
 * synced: every message is new. `freeze` takes all that came since as the content of a flush, `release` gives the
 *   PUBACKs that its durability allows.
 *
 * The mark's id names one message only as long as fewer messages than there are ids lie between the oldest one that the
 * broker may still hold in flight and the mark. A broker that keeps to the receive maximum sees to that. Mosquitto 2.0
 * does not: with a backlog, each PUBACK moves up to a whole window from its queue into flight, 127,203 messages on 65,535
 * ids in one try, numbered in sequence, and a PUBACK ends the oldest of equal ids. So this keeps the distance itself: what
 * is beyond `span` is deferred until the broker has confirmed (by answering a ping) that it has read PUBACKs before.
 *
 * A flush that was frozen on one connection and becomes durable on the next releases nothing: all that it covers is
 * redelivered before the mark, and acknowledged with the first flush frozen after that.
 */
export class WithheldAcks {
  readonly #span: number;
  /** Ids that came on this connection and are not acknowledged, oldest first; the first #pendingCount entries. */
  readonly #pending: Uint16Array;
  #pendingCount = 0;
  /** PUBACKs given out on this connection that the broker may not have read. */
  #unconfirmedCount = 0;
  /** How many of #pending the outstanding flush covers. */
  #frozenCount = 0;
  #mark: number | null;
  #resuming = false;

  /**
   * @param span how many messages may lie between the broker's oldest and the mark; fewer than there are packet ids
   * @param mark what the takeover found: the mark of the source's last durable flush
   */
  constructor(span: number, mark: number | null) {
    this.#span = span;
    this.#pending = new Uint16Array(span);
    this.#mark = mark;
  }

  /** Packet id of the last QoS 1 message counted so far in the session; its PUBACK is withheld. */
  get mark(): number | null {
    return this.#mark;
  }

  get resuming(): boolean {
    return this.#resuming;
  }

  /** Messages that the broker waits for PUBACKs of. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** The mark was not among the messages that can lie before it: it will not come. */
  get markIsOverdue(): boolean {
    return this.#resuming && this.#pendingCount === this.#span;
  }

  /** Messages that no flush covers yet. */
  get unfrozenCount(): number {
    return this.#pendingCount - this.#frozenCount;
  }

  /** A new connection: what was pending on the last one is redelivered, or forgotten with the session. */
  connected(sessionPresent: boolean): void {
    this.#pendingCount = 0;
    this.#frozenCount = 0;
    // What it has not read of the old connection it never will, and says so by redelivering.
    this.#unconfirmedCount = 0;
    // An old id means another message in a new session: neither the mark nor any PUBACK may survive.
    if (!sessionPresent) this.#mark = null;
    this.#resuming = this.#mark !== null;
  }

  arrived(packetId: number): Arrival {
    if (this.#pendingCount + this.#unconfirmedCount >= this.#span) return 'defer';
    this.#pending[this.#pendingCount] = packetId;
    this.#pendingCount += 1;
    if (!this.#resuming) {
      this.#mark = packetId;
      return 'count';
    }
    if (packetId !== this.#mark) return 'undecided';
    this.#resuming = false;
    return 'mark';
  }

  /** The mark did not come: all that is undecided has to be counted. A gap must be recorded, for we do not know. */
  giveUpMark(): void {
    this.#resuming = false;
    this.#mark = this.#pending[this.#pendingCount - 1] ?? null;
  }

  /** Freezes a flush of all that was counted so far. Returns the mark it must store. */
  freeze(): number | null {
    this.#frozenCount = this.#resuming ? 0 : this.#pendingCount;
    return this.#mark;
  }

  /** The frozen flush is durable: returns the ids to acknowledge now, in this order. */
  release(): Uint16Array {
    const released = Math.max(this.#frozenCount - 1, 0);
    const ids = this.#pending.slice(0, released);
    this.#pending.copyWithin(0, released, this.#pendingCount);
    this.#pendingCount -= released;
    this.#frozenCount = Math.min(this.#frozenCount, 1);
    this.#unconfirmedCount += released;
    return ids;
  }

  /** The broker has read this many of the PUBACKs given out on this connection. */
  confirmed(count: number): void {
    this.#unconfirmedCount -= count;
  }
}
