import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '@odometer/database/pool';
import { acknowledge, openEpoch, sealEpoch } from '@odometer/database/sources';
import { OdometerError } from '@odometer/domain/errors';
import type { Logger } from 'pino';
import type { IngestBooks } from './ingest-books.ts';

/**
 * How often the books reach Postgres without a batch. A loss at the tail, or a rejection, is visible this much later;
 * one small update a second is nothing.
 */
const ACKNOWLEDGE_INTERVAL_MS = 1_000;

const RETRY_MS = 1_000;

/**
 * One life of this producer.
 *
 *   new ──start()──▶ open (acknowledges about once a second) ──stop()──▶ closed (sealed at its last batch)
 *
 * Only a life that ended clean, with every batch durable, is sealed: a seal fences higher numbers off, and a batch whose
 * confirmation was lost may yet be in Redis. A life that crashed stays open; its batches are applied when their turn comes.
 */
export class ProducerEpoch {
  readonly name = 'producer-epoch';
  readonly #options: {
    readonly pool: Pool;
    readonly source: string;
    readonly books: IngestBooks;
    readonly log: Logger;
  };
  readonly #abort = new AbortController();
  #epoch: string | undefined;
  #acknowledging: Promise<void> | undefined;

  constructor(options: {
    readonly pool: Pool;
    /** Also the instance: an ingest-api has one source, itself. */
    readonly source: string;
    readonly books: IngestBooks;
    readonly log: Logger;
  }) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#epoch !== undefined;
  }

  /** @throws OdometerError `ingest_unavailable` before the epoch is open. */
  get epoch(): string {
    if (this.#epoch === undefined) {
      throw new OdometerError('ingest_unavailable', { reason: 'the epoch is not open yet' });
    }
    return this.#epoch;
  }

  /** Waits for Postgres as long as it takes: without an epoch no batch can be numbered. */
  async start(): Promise<void> {
    const { pool, source, log } = this.#options;
    while (this.#epoch === undefined && !this.#abort.signal.aborted) {
      try {
        this.#epoch = await openEpoch(pool, { source, kind: 'events', instance: source });
      } catch (error) {
        log.warn({ event: 'epoch_open_failed', error });
        await sleep(RETRY_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined);
      }
    }
    if (this.#epoch !== undefined) this.#acknowledging ??= this.#acknowledgeRegularly(this.#epoch);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#acknowledging;
    const epoch = this.#epoch;
    if (epoch === undefined) return;
    this.#epoch = undefined;
    const { pool, books, log } = this.#options;
    const { seq, books: totals } = books.acknowledgement();
    await acknowledge(pool, { epoch, seq, books: totals });
    if (seq === books.frozenSeq) await sealEpoch(pool, epoch, seq);
    else
      log.error({ event: 'epoch_left_open', epoch, durableSeq: seq, frozenSeq: books.frozenSeq });
  }

  async #acknowledgeRegularly(epoch: string): Promise<void> {
    const { pool, books, log } = this.#options;
    const { signal } = this.#abort;
    let last = '';
    let failing = false;
    while (!signal.aborted) {
      await sleep(ACKNOWLEDGE_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      const acknowledgement = books.acknowledgement();
      const text = JSON.stringify(acknowledgement);
      if (text === last) continue;
      try {
        await acknowledge(pool, { epoch, ...acknowledgement });
        last = text;
        failing = false;
      } catch (error) {
        // The next one says all that this one would have. One line per outage is enough.
        if (!failing) log.warn({ event: 'acknowledge_failed', error });
        failing = true;
      }
    }
  }
}
