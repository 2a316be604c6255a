import { batchJobId } from '@odometer/domain/batch';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { IngestBooks } from '@odometer/intake/refusal';
import type { EventBatch } from '@odometer/queues/catalogue';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Logger } from 'pino';

/** Design §5: large enough to spread a transaction's cost over many events, small enough to stay a short one. */
const MAX_BATCH_EVENTS = 1_000;
const MAX_BATCH_BYTES = 1_000_000;

/** While its predecessor takes long, a batch stops filling after this much more, and queues up behind it. */
const MAX_FILL_MS = 50;

/** A lost reply is repeated within this. Only after it are clients sent away at once instead of being kept waiting. */
const PATIENCE_MS = 1_000;

/** What is left unconfirmed at a stop is tried for this long: half of the usual shutdown deadline. */
const STOP_GRACE_MS = 10_000;

export interface BatcherSettings {
  /** The longest that a batch waits for company when nothing else is under way, milliseconds. */
  readonly lingerMs: number;
  /** When a request is answered with 503 although its batch is still being tried, milliseconds. */
  readonly confirmDeadlineMs: number;
  /** Batches that may be unconfirmed at once; beyond that, events are refused. */
  readonly maxUnconfirmedBatches: number;
}

/** One request's events, perhaps spread over several batches. */
interface Waiter {
  unconfirmedBatches: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Filling {
  readonly events: EventEnvelope[];
  sizeBytes: number;
  readonly waiters: Waiter[];
  readonly openedAtMs: number;
  /** For {@link MAX_FILL_MS} while a predecessor is under way, else for the linger. */
  freezeTimer: NodeJS.Timeout;
  readonly deadlineTimer: NodeJS.Timeout;
}

interface Frozen {
  readonly filling: Filling;
  readonly payload: EventBatch;
  readonly jobId: string;
  durable: boolean;
}

/** What is observed of each batch that became durable. */
export type OnDurable = (events: number, durableAfterSeconds: number) => void;

/**
 * Group commit: events of concurrent requests share batches, and a request is answered when all batches that hold its
 * events are durable. While a batch is under way the next one fills, so batches grow with the load by themselves.
 *
 *   filling ──full, or complete and nothing under way──▶ frozen (seq, books, id) ──▶ sent ──▶ durable
 *                                                                                    └─failed─▶ recovery
 *
 * Complete means: as many requests as the last batch held and as came while it was under way, or the linger is over.
 * Clients that wait for an answer before they send again thus find into one batch; a client on its own never waits.
 *
 * A frozen batch never changes and is tried until it is durable, also after its requests were answered with 503. First
 * attempts are pipelined. After a failed one, `recovery` repeats what is unconfirmed strictly in order, one at a time,
 * and new batches queue up behind: so what Redis holds of this epoch has no hole should this process die in the middle,
 * and a hole keeps meaning a loss.
 *
 * stop(): nothing more is taken, the filling batch is frozen, all is awaited. What is still unconfirmed after the grace
 * was answered with 503; it is left as a hole, and stop() throws.
 */
export class EventBatcher {
  readonly name = 'event-batcher';
  readonly #source: string;
  readonly #epoch: () => string;
  readonly #queue: JobQueue<'events'>;
  readonly #books: IngestBooks;
  readonly #settings: BatcherSettings;
  readonly #log: Logger;
  readonly #onDurable: OnDurable;
  readonly #onBug: (error: Error) => void;
  readonly #abort = new AbortController();
  /** Frozen and not known durable, or durable behind one that is not; in order of seq. */
  readonly #unconfirmed: Frozen[] = [];
  #filling: Filling | undefined;
  /** How many requests may come together: those of the last batch, and those that came meanwhile. */
  #expectedCompany = 1;
  #sending = 0;
  #recovering = false;
  #troubleSinceMs: number | undefined;
  #stopped = false;
  #whenIdle: (() => void) | undefined;

  constructor(options: {
    readonly source: string;
    readonly epoch: () => string;
    readonly queue: JobQueue<'events'>;
    readonly books: IngestBooks;
    readonly settings: BatcherSettings;
    readonly log: Logger;
    readonly onDurable: OnDurable;
    /** Told of an error that no retry can mend; the process should end. */
    readonly onBug: (error: Error) => void;
  }) {
    this.#source = options.source;
    this.#epoch = options.epoch;
    this.#queue = options.queue;
    this.#books = options.books;
    this.#settings = options.settings;
    this.#log = options.log;
    this.#onDurable = options.onDurable;
    this.#onBug = options.onBug;
  }

  /** Batches that are frozen and not yet known to be durable. */
  get unconfirmedBatches(): number {
    return this.#unconfirmed.length;
  }

  /** Events that are taken but not in a numbered batch yet: the difference between received and accepted + rejected. */
  get fillingEvents(): number {
    return this.#filling?.events.length ?? 0;
  }

  /** Why no events can be taken right now, or undefined when they can. */
  refusal(): string | undefined {
    if (this.#stopped) return 'the service is stopping';
    if (this.#unconfirmed.length >= this.#settings.maxUnconfirmedBatches) {
      return 'too many batches wait for storage';
    }
    const since = this.#troubleSinceMs;
    if (since !== undefined && performance.now() - since > PATIENCE_MS) {
      return 'storage does not take events';
    }
    return undefined;
  }

  /**
   * Takes the events of one request, all or none.
   *
   * @param sizeBytes of the events as JSON, roughly: the length of the request's body.
   * @returns a promise that resolves when all are durable.
   * @throws OdometerError `ingest_unavailable` at once and nothing was taken, or `events_not_confirmed` later: they may
   *   become durable yet, and the same events sent again count once.
   */
  add(events: readonly EventEnvelope[], sizeBytes: number): Promise<void> {
    const reason = this.refusal();
    if (reason !== undefined) {
      return Promise.reject(new OdometerError('ingest_unavailable', { reason }));
    }
    if (events.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { unconfirmedBatches: 0, resolve, reject };
      const bytesPerEvent = sizeBytes / events.length;
      let taken = 0;
      while (taken < events.length) {
        taken += this.#fill(events, taken, bytesPerEvent, waiter);
      }
      this.#freezeWhenComplete();
    });
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#freeze();
    if (this.#unconfirmed.length === 0) return;
    const grace = setTimeout(() => {
      this.#abort.abort();
      this.#whenIdle?.();
    }, STOP_GRACE_MS);
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
    clearTimeout(grace);
    if (this.#unconfirmed.length > 0) {
      const reason = `${this.#unconfirmed.length} batch(es) were never confirmed; their requests were answered with 503`;
      throw new OdometerError('ingest_unavailable', { reason });
    }
  }

  /** Puts as many events as fit into the filling batch. @returns how many. */
  #fill(
    events: readonly EventEnvelope[],
    from: number,
    bytesPerEvent: number,
    waiter: Waiter,
  ): number {
    this.#filling ??= this.#open();
    const filling = this.#filling;
    const byNumber = MAX_BATCH_EVENTS - filling.events.length;
    const bySize = Math.floor((MAX_BATCH_BYTES - filling.sizeBytes) / bytesPerEvent);
    // At least one, or an event that is larger than a batch would never find its place.
    const room = filling.events.length === 0 ? Math.max(1, bySize) : Math.max(0, bySize);
    const count = Math.min(byNumber, room, events.length - from);
    if (count > 0) {
      for (let i = from; i < from + count; i += 1) filling.events.push(events[i] as EventEnvelope);
      filling.sizeBytes += count * bytesPerEvent;
      filling.waiters.push(waiter);
      waiter.unconfirmedBatches += 1;
    }
    if (from + count < events.length || filling.events.length === MAX_BATCH_EVENTS) this.#freeze();
    return count;
  }

  #open(): Filling {
    const filling: Filling = {
      events: [],
      sizeBytes: 0,
      waiters: [],
      openedAtMs: performance.now(),
      freezeTimer: setTimeout(
        () => this.#freeze(),
        this.#unconfirmed.length === 0 ? this.#settings.lingerMs : MAX_FILL_MS,
      ),
      deadlineTimer: setTimeout(() => this.#giveUp(filling), this.#settings.confirmDeadlineMs),
    };
    return filling;
  }

  #freezeWhenComplete(): void {
    if (this.#unconfirmed.length > 0 || this.#filling === undefined) return;
    if (this.#filling.waiters.length >= this.#expectedCompany) this.#freeze();
  }

  /** Answers the requests of a batch that takes too long. The batch itself goes on. */
  #giveUp(filling: Filling): void {
    const deadlineMs = this.#settings.confirmDeadlineMs;
    for (const waiter of filling.waiters) {
      waiter.reject(new OdometerError('events_not_confirmed', { deadlineMs }));
    }
    filling.waiters.length = 0;
  }

  #freeze(): void {
    const filling = this.#filling;
    if (filling === undefined) return;
    this.#filling = undefined;
    clearTimeout(filling.freezeTimer);
    const { seq, books } = this.#books.freeze(filling.events.length);
    const id = { source: this.#source, epoch: this.#epoch(), seq };
    const batch: Frozen = {
      filling,
      payload: { ...id, books, frozenAtMs: Date.now(), events: filling.events },
      jobId: batchJobId(id),
      durable: false,
    };
    this.#unconfirmed.push(batch);
    if (!this.#recovering) this.#send(batch);
  }

  #send(batch: Frozen): void {
    this.#sending += 1;
    this.#queue.add('event-batch', batch.payload, batch.jobId).then(
      () => {
        this.#sending -= 1;
        this.#confirm(batch);
        if (this.#recovering && this.#sending === 0) this.#startRecovery();
      },
      (error: Error) => {
        this.#sending -= 1;
        if (!isOdometerError(error, 'queue_unavailable')) {
          this.#onBug(error);
          return;
        }
        if (!this.#recovering) {
          this.#recovering = true;
          this.#troubleSinceMs = performance.now();
          this.#log.warn({ event: 'enqueue_failed', error, jobId: batch.jobId });
        }
        if (this.#sending === 0) this.#startRecovery();
      },
    );
  }

  #startRecovery(): void {
    this.#recover().catch((error: Error) => {
      if (!this.#abort.signal.aborted) this.#onBug(error);
    });
  }

  /** Entered once all first attempts are settled; left when nothing is unconfirmed. */
  async #recover(): Promise<void> {
    for (;;) {
      const batch = this.#unconfirmed.find(({ durable }) => !durable);
      if (batch === undefined) break;
      await enqueueUntilDurable(this.#queue, 'event-batch', batch.payload, batch.jobId, {
        signal: this.#abort.signal,
      });
      this.#confirm(batch);
      // Storage takes events again: clients need not be sent away while the rest is worked off.
      this.#troubleSinceMs = undefined;
    }
    this.#recovering = false;
    this.#log.info({ event: 'enqueue_recovered' });
  }

  #confirm(batch: Frozen): void {
    const { filling } = batch;
    batch.durable = true;
    clearTimeout(filling.deadlineTimer);
    this.#onDurable(filling.events.length, (performance.now() - filling.openedAtMs) / 1_000);
    for (const waiter of filling.waiters) {
      waiter.unconfirmedBatches -= 1;
      if (waiter.unconfirmedBatches === 0) waiter.resolve();
    }
    let confirmed: Frozen | undefined;
    while (this.#unconfirmed[0]?.durable) confirmed = this.#unconfirmed.shift();
    if (confirmed !== undefined) {
      this.#books.confirm(confirmed.payload.seq, confirmed.payload.books.accepted);
    }
    if (this.#unconfirmed.length > 0) return;
    const next = this.#filling;
    this.#expectedCompany = filling.waiters.length + (next?.waiters.length ?? 0);
    if (next !== undefined) {
      clearTimeout(next.freezeTimer);
      next.freezeTimer = setTimeout(() => this.#freeze(), this.#settings.lingerMs);
      this.#freezeWhenComplete();
    }
    if (this.#unconfirmed.length === 0) this.#whenIdle?.();
  }
}
