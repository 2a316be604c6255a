import { hash } from 'node:crypto';
import { OdometerError } from '@odometer/domain/errors';
import type { IntakeBooks } from '@odometer/intake/intake-books';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { RefusalReason, RefusedRecord } from './sort-records.ts';
import { textsToKeep } from './texts-to-keep.ts';

/** What is not durable by then after a stop is left to the source, which has not been told that it was taken. */
const STOP_GRACE_MS = 10_000;
const ID_DIGITS = 32;

/**
 * Keeps what is refused as jobs: whoever processes them refuses them again, so that they become dead letters with their reason,
 * and can be tried again once the reason is gone. The id is of the text and of the source's buckets: a redelivery is the same
 * job, and what another source sends is not, for it may be about a bucket of the same name in another store.
 *
 *   open ──stop()──▶ stopped, once all is durable or after the grace
 */
export class RefusedProducer {
  readonly #queue: JobQueue<'objects'>;
  readonly #books: IntakeBooks<RefusalReason>;
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: {
    readonly queue: JobQueue<'objects'>;
    readonly books: IntakeBooks<RefusalReason>;
  }) {
    this.#queue = options.queue;
    this.#books = options.books;
  }

  /**
   * @param buckets names of those that the source is for.
   * @returns a promise that resolves when all are durable, and rejects when a stop came first.
   */
  async add(refused: readonly RefusedRecord[], buckets: readonly string[]): Promise<void> {
    if (refused.length === 0) return;
    const adding = this.#addAll(refused, buckets);
    this.#underWay.add(adding);
    try {
      await adding;
    } finally {
      this.#underWay.delete(adding);
    }
  }

  async stop(): Promise<void> {
    const grace = setTimeout(() => {
      const reason = 'the service is stopping';
      this.#abort.abort(new OdometerError('ingest_unavailable', { reason }));
    }, STOP_GRACE_MS);
    await Promise.allSettled(this.#underWay);
    clearTimeout(grace);
  }

  /** One after the other: a message of nothing but nonsense must not fill the connection. */
  async #addAll(refused: readonly RefusedRecord[], buckets: readonly string[]): Promise<void> {
    const names = [...buckets].sort();
    for (const text of textsToKeep(refused)) {
      const jobId = `refused.${hash('sha256', JSON.stringify([names, text])).slice(0, ID_DIGITS)}`;
      await enqueueUntilDurable(this.#queue, 'refused-notification', { buckets, text }, jobId, {
        signal: this.#abort.signal,
      });
    }
    for (const { reason } of refused) this.#books.reject(reason);
  }
}
