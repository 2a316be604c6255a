/** What is to be done with a QoS 1 message that has just arrived. */
export type Arrival =
  /** Count it: nobody has. */
  | 'count'
  /** We cannot tell yet: keep it until the mark comes or is given up. */
  | 'undecided'
  /** It is the mark: it was counted before, and so was all that is undecided. */
  | 'mark'
  /** The broker has more messages in flight than we allowed it to; the connection cannot be used any more. */
  | 'beyond_window';

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
 * resuming: messages arrive, all undecided, and nothing is acknowledged. The mark is among the first `window` messages,
 *   because it is in flight and the broker redelivers what is in flight first and in order.
 * synced: every message is new. `freeze` takes all that came since as the content of a flush, `release` gives the
 *   PUBACKs that its durability allows.
 *
 * A flush that was frozen on one connection and becomes durable on the next releases nothing: all that it covers is
 * redelivered before the mark, and acknowledged with the first flush frozen after that.
 */
export class WithheldAcks {
  readonly #window: number;
  /** Ids that came on this connection and are not acknowledged, oldest first; the first #pendingCount entries. */
  readonly #pending: Uint16Array;
  #pendingCount = 0;
  /** How many of #pending the outstanding flush covers. */
  #frozenCount = 0;
  #mark: number | null;
  #resuming = false;

  /**
   * @param window the receive maximum we give the broker
   * @param mark what the takeover found: the mark of the source's last durable flush
   */
  constructor(window: number, mark: number | null) {
    this.#window = window;
    this.#pending = new Uint16Array(window);
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

  /** Messages that no flush covers yet. */
  get unfrozenCount(): number {
    return this.#pendingCount - this.#frozenCount;
  }

  /** A new connection: what was pending on the last one is redelivered, or forgotten with the session. */
  connected(sessionPresent: boolean): void {
    this.#pendingCount = 0;
    this.#frozenCount = 0;
    // An old id means another message in a new session: neither the mark nor any PUBACK may survive.
    if (!sessionPresent) this.#mark = null;
    this.#resuming = this.#mark !== null;
  }

  arrived(packetId: number): Arrival {
    if (this.#pendingCount === this.#window) return 'beyond_window';
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
    return ids;
  }
}
