import type { BatchId, ProducerBooks } from '@odometer/domain/batch';
import type { CountBatch } from '@odometer/queues/catalogue';
import type { MessageCounter } from './message-counter.ts';

/** How often it looks whether a flush is due: 1/40 s is what a lone message waits at most. */
const TICK_MS = 25;
/** Under load ten flushes a second: each costs a write to Redis's disk and a transaction. */
const MIN_INTERVAL_MS = 100;
/** With many owners a flush is large whatever it holds; half a second lets more messages share its cost. */
const MAX_INTERVAL_MS = 500;
/** An owner in the last flush buys this much time: 2,000 owners the minimum, 10,000 the maximum. */
const INTERVAL_PER_OWNER_MS = 0.05;
/** So many withheld PUBACKs and nothing arriving: the broker's own window is smaller than ours, and it waits for us. */
const STALLED_MESSAGES = 200;

export interface FlushLoopParts extends Omit<BatchId, 'seq'> {
  readonly counter: MessageCounter;
  /** Resolves when the batch is durable; tries for ever, and rejects when the signal is aborted. */
  readonly enqueue: (batch: CountBatch, signal: AbortSignal) => Promise<void>;
  /** Sends PUBACKs. */
  readonly acknowledge: (packetIds: Uint16Array) => void;
  readonly onDurable: (batch: CountBatch, durationMs: number) => void;
  /** Something that cannot happen: the counter must end. */
  readonly onBug: (error: unknown) => void;
}

/**
 * Turns what was counted into batches, one after the other.
 *
 *   idle ──due──▶ outstanding (frozen; the same id and content until Redis has it) ──durable──▶ PUBACKs sent, idle
 *     └──────────────── abort() ──▶ ended (an outstanding flush may be durable or not: its successor finds out)
 *
 * One flush is outstanding at a time, so that a takeover has one job id to fight for. Meanwhile counting goes on.
 */
export class FlushLoop {
  readonly #parts: FlushLoopParts;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #outstanding: Promise<void> | undefined;
  #seq = 0;
  #frozenAtMs = 0;
  #intervalMs = MIN_INTERVAL_MS;
  #receivedAtTick = 0;
  #durable: { readonly seq: number; readonly books: ProducerBooks } | undefined;

  constructor(parts: FlushLoopParts) {
    this.#parts = parts;
  }

  /** The last flush that is durable, and with it all before. */
  get durable(): { readonly seq: number; readonly books: ProducerBooks } | undefined {
    return this.#durable;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** Looks at once; called after each chunk of the stream, so that a full window does not wait for a tick. */
  poke(): void {
    if (this.#outstanding === undefined && this.#parts.counter.isHalfFull) this.#flush();
  }

  /** Makes everything durable that was counted so far, and ends. Waits for Redis as long as it takes, or `abort`. */
  async drain(): Promise<void> {
    clearInterval(this.#timer);
    while (!this.#abort.signal.aborted) {
      await this.#outstanding;
      if (!this.#parts.counter.hasContent) break;
      if (this.#outstanding === undefined) this.#flush();
    }
  }

  /** Resolves when a flush that is frozen after this call is durable, and with it the mark as it is now. */
  async barrier(): Promise<void> {
    const target = this.#seq + 1;
    while (!this.#abort.signal.aborted && (this.#durable?.seq ?? 0) < target) {
      if (this.#outstanding === undefined) this.#flush();
      await this.#outstanding;
    }
  }

  /** Ends at once: somebody else counts. */
  abort(): void {
    clearInterval(this.#timer);
    this.#abort.abort();
  }

  #tick(): void {
    const { counter } = this.#parts;
    const received = counter.books.received;
    const stalled = received === this.#receivedAtTick && counter.unacknowledged >= STALLED_MESSAGES;
    this.#receivedAtTick = received;
    if (this.#outstanding !== undefined || !counter.hasContent) return;
    const due = performance.now() - this.#frozenAtMs >= this.#intervalMs;
    if (due || stalled || counter.isHalfFull) this.#flush();
  }

  #flush(): void {
    if (this.#abort.signal.aborted) return;
    this.#outstanding = this.#makeDurable().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#parts.onBug(error);
    });
  }

  async #makeDurable(): Promise<void> {
    const { counter, source, epoch, enqueue, acknowledge, onDurable } = this.#parts;
    const startedMs = performance.now();
    this.#frozenAtMs = startedMs;
    this.#seq += 1;
    const batch: CountBatch = {
      source,
      epoch,
      seq: this.#seq,
      frozenAtMs: Date.now(),
      ...counter.freeze(),
    };
    await enqueue(batch, this.#abort.signal);
    this.#outstanding = undefined;
    // A flush that became durable when we were already replaced may be somebody's seal: not ours to acknowledge.
    if (this.#abort.signal.aborted) return;
    this.#durable = { seq: batch.seq, books: batch.books };
    acknowledge(counter.release());
    const owners = batch.hours.reduce((sum, { counts }) => sum + counts.length, 0);
    this.#intervalMs = Math.min(
      Math.max(owners * INTERVAL_PER_OWNER_MS, MIN_INTERVAL_MS),
      MAX_INTERVAL_MS,
    );
    onDurable(batch, performance.now() - startedMs);
    this.poke();
  }
}
