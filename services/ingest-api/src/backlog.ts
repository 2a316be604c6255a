import { setTimeout as sleep } from 'node:timers/promises';
import type { JobQueue } from '@odometer/queues/job-queue';

/** The backlog moves by some dozens of batches a second; asking once is exact enough, and three commands to Redis. */
const REFRESH_MS = 1_000;

/**
 * Knows, about once a second, how many batches wait to be applied, so that intake stops before Redis is full.
 *
 *   idle ──start()──▶ watching ──stop()──▶ stopped
 *
 * While Redis does not answer, the last figure stands.
 */
export class Backlog {
  readonly name = 'backlog';
  readonly #queue: JobQueue<'events'>;
  readonly #maxBatches: number;
  readonly #abort = new AbortController();
  #watching: Promise<void> | undefined;
  #batches = 0;

  constructor(queue: JobQueue<'events'>, maxBatches: number) {
    this.#queue = queue;
    this.#maxBatches = maxBatches;
  }

  get batches(): number {
    return this.#batches;
  }

  get isOverLimit(): boolean {
    return this.#batches >= this.#maxBatches;
  }

  async start(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#watching ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const { waiting, active, delayed } = await this.#queue.depth();
        this.#batches = waiting + active + delayed;
      } catch {
        // Redis is away: intake finds out by itself.
      }
      await sleep(REFRESH_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
