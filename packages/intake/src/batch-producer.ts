import { type BatchId, batchJobId, type ProducerBooks } from '@odometer/domain/batch';
import { OdometerError } from '@odometer/domain/errors';
import type { IntakeBooks } from './intake-books.ts';

/** A transaction's fixed cost is nothing beside a thousand items, and a job of them stays below a megabyte. */
const MAX_BATCH_ITEMS = 1_000;
/** What is not durable by then after a stop is left to the source, which has not been told that it was taken. */
const STOP_GRACE_MS = 10_000;

/** A batch as it is frozen. */
export interface FrozenBatch<Item> extends BatchId {
  readonly books: ProducerBooks;
  readonly frozenAtMs: number;
  readonly items: readonly Item[];
}

interface Waiting<Item> {
  readonly items: readonly Item[];
  /** How many of them are in batches already. */
  taken: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Turns what several readers of a source take into numbered batches, one after the other: what comes while one is under way
 * makes the next, so batches grow with the load by themselves, and there is never a hole before what is durable.
 *
 *   idle ──add()──▶ outstanding (frozen: the same id and content until it is durable) ──durable──▶ next, or idle
 *     └──────────────────────── stop(): all that was added is made durable, or its adders are told ──▶ stopped
 *
 * For sources that keep what they have not been told is taken (a queue, a broker with acknowledgements, a sender who waits
 * for the answer): whoever adds tells the source after `add` has resolved, and never before.
 */
export class BatchProducer<Item> {
  readonly name = 'batch-producer';
  readonly #source: string;
  readonly #epoch: () => string;
  readonly #books: IntakeBooks<string>;
  readonly #enqueue: (
    batch: FrozenBatch<Item>,
    jobId: string,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly #onBug: (error: Error) => void;
  readonly #abort = new AbortController();
  readonly #waiting: Waiting<Item>[] = [];
  #outstanding: Promise<void> | undefined;
  #stopped = false;

  constructor(options: {
    readonly source: string;
    /** @throws OdometerError when there is none yet. */
    readonly epoch: () => string;
    readonly books: IntakeBooks<string>;
    /** Resolves when the batch is durable; tries for ever, and rejects when the signal is aborted. */
    readonly enqueue: (
      batch: FrozenBatch<Item>,
      jobId: string,
      signal: AbortSignal,
    ) => Promise<void>;
    /** Told of an error that no retry can mend; the process should end. */
    readonly onBug: (error: Error) => void;
  }) {
    this.#source = options.source;
    this.#epoch = options.epoch;
    this.#books = options.books;
    this.#enqueue = options.enqueue;
    this.#onBug = options.onBug;
  }

  /**
   * @returns a promise that resolves when all items are durable.
   * @throws OdometerError `ingest_unavailable`: it is stopping, or has no epoch yet; the items may be durable all the same.
   */
  add(items: readonly Item[]): Promise<void> {
    if (this.#stopped) return Promise.reject(stopping());
    if (items.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, taken: 0, resolve, reject });
      this.#next();
    });
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped = true;
    const grace = setTimeout(() => this.#abort.abort(stopping()), STOP_GRACE_MS);
    try {
      while (this.#outstanding !== undefined) await this.#outstanding;
    } finally {
      clearTimeout(grace);
    }
  }

  #next(): void {
    if (this.#outstanding !== undefined || this.#waiting.length === 0) return;
    this.#outstanding = this.#makeDurable().finally(() => {
      this.#outstanding = undefined;
      this.#next();
    });
  }

  async #makeDurable(): Promise<void> {
    const { items, finished } = this.#take();
    try {
      const epoch = this.#epoch();
      const { seq, books } = this.#books.freeze(items.length);
      const id = { source: this.#source, epoch, seq };
      const batch = { ...id, books, frozenAtMs: Date.now(), items };
      await this.#enqueue(batch, batchJobId(id), this.#abort.signal);
      this.#books.confirm(seq, books.accepted);
      for (const { resolve } of finished) resolve();
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      this.#fail([...finished, ...this.#waiting.splice(0)], reason);
    }
  }

  /** Up to a batch of items, in the order in which they were added, and whose last ones are among them. */
  #take(): { readonly items: readonly Item[]; readonly finished: readonly Waiting<Item>[] } {
    const items: Item[] = [];
    const finished: Waiting<Item>[] = [];
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const room = MAX_BATCH_ITEMS - items.length;
      if (room === 0) break;
      const some = first.items.slice(first.taken, first.taken + room);
      items.push(...some);
      first.taken += some.length;
      if (first.taken < first.items.length) break;
      finished.push(first);
      this.#waiting.shift();
    }
    return { items, finished };
  }

  #fail(waiting: readonly Waiting<Item>[], reason: Error): void {
    for (const { reject } of waiting) reject(reason);
    const isExpected = this.#abort.signal.aborted || reason instanceof OdometerError;
    if (!isExpected) this.#onBug(reason);
  }
}

function stopping(): OdometerError {
  return new OdometerError('ingest_unavailable', { reason: 'the service is stopping' });
}
