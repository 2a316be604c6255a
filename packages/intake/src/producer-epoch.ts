import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '@odometer/database/pool';
import { acknowledge, openEpoch, sealEpoch } from '@odometer/database/sources';
import type { IntakeKind } from '@odometer/domain/books';
import { OdometerError } from '@odometer/domain/errors';
import type { Logger } from 'pino';
import type { IntakeBooks } from './intake-books.ts';

const RETRY_MS = 1_000;

/**
 * One life of this producer.
 *
 *   new ──start()──▶ open ──stop()──▶ closed (sealed at its last batch)
 *
 * Only a life that ended clean, with every batch durable, is sealed: a seal fences higher numbers off, and a batch whose
 * confirmation was lost may yet be in Redis. A life that crashed stays open; its batches are applied when their turn comes.
 */
export class ProducerEpoch {
  readonly name = 'producer-epoch';
  readonly #pool: Pool;
  readonly #source: string;
  readonly #instance: string;
  readonly #kind: IntakeKind;
  readonly #books: IntakeBooks<string>;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #epoch: string | undefined;
  #lastAcknowledged = '';

  constructor(options: {
    readonly pool: Pool;
    readonly source: string;
    readonly instance: string;
    readonly kind: IntakeKind;
    readonly books: IntakeBooks<string>;
    readonly log: Logger;
  }) {
    this.#pool = options.pool;
    this.#source = options.source;
    this.#instance = options.instance;
    this.#kind = options.kind;
    this.#books = options.books;
    this.#log = options.log;
  }

  get isOpen(): boolean {
    return this.#epoch !== undefined;
  }

  /** @throws OdometerError `ingest_unavailable` when it is not open. */
  get epoch(): string {
    if (this.#epoch === undefined) {
      throw new OdometerError('ingest_unavailable', { reason: 'the epoch is not open' });
    }
    return this.#epoch;
  }

  /** Waits for Postgres as long as it takes: without an epoch no batch can be numbered. */
  async start(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#opening ??= this.#open();
    await this.#opening;
  }

  /**
   * Tells Postgres how far this producer got, when that has changed: what Redis loses at the very end of the sequence is
   * found by it, and rejections reach the books by it when no batch follows them.
   */
  async acknowledge(): Promise<void> {
    if (this.#epoch === undefined) return;
    const acknowledgement = this.#books.acknowledgement();
    const text = JSON.stringify(acknowledgement);
    if (text === this.#lastAcknowledged) return;
    await acknowledge(this.#pool, { epoch: this.#epoch, ...acknowledgement });
    this.#lastAcknowledged = text;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #open(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        this.#epoch = await openEpoch(this.#pool, {
          source: this.#source,
          kind: this.#kind,
          instance: this.#instance,
        });
        return;
      } catch (error) {
        this.#log.warn({ event: 'epoch_open_failed', error });
        await sleep(RETRY_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined);
      }
    }
  }

  async #close(): Promise<void> {
    await this.#opening;
    const epoch = this.#epoch;
    if (epoch === undefined) return;
    await this.acknowledge();
    this.#epoch = undefined;
    const { frozenSeq } = this.#books;
    const { seq } = this.#books.acknowledgement();
    if (seq === frozenSeq) await sealEpoch(this.#pool, epoch, seq);
    else this.#log.error({ event: 'epoch_left_open', epoch, durableSeq: seq, frozenSeq });
  }
}
