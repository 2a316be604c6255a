import { isOdometerError } from '@odometer/domain/errors';
import type { QueueName } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import { pause } from '@odometer/queues/pause';

/** How often those who wait for room look; the backlog is measured once a second. */
const ROOM_INTERVAL_MS = 500;

/**
 * How many jobs of a queue wait to be done, as of the last look, so that intake stops before Redis is full. While Redis does
 * not answer the last figure stands: whether it takes usage, intake finds out by itself.
 */
export class Backlog<Q extends QueueName> {
  readonly #queue: JobQueue<Q>;
  readonly #maxBatches: number;
  #batches = 0;

  constructor(queue: JobQueue<Q>, maxBatches: number) {
    this.#queue = queue;
    this.#maxBatches = maxBatches;
  }

  get batches(): number {
    return this.#batches;
  }

  get isOverLimit(): boolean {
    return this.#batches >= this.#maxBatches;
  }

  /** Waits until there is room, or the signal is aborted: for sources that keep what they have not been told is taken. */
  async whenRoom(signal: AbortSignal): Promise<void> {
    while (this.isOverLimit && !signal.aborted) await pause(ROOM_INTERVAL_MS, signal);
  }

  async refresh(): Promise<void> {
    try {
      const { waiting, active, delayed } = await this.#queue.depth();
      this.#batches = waiting + active + delayed;
    } catch (error) {
      if (!isOdometerError(error, 'queue_unavailable')) throw error;
    }
  }
}
