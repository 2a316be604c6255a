import type { AnyQueue } from './dead-letter.ts';
import type { QueueDepth } from './job-queue.ts';

/** What a scrape shows of one queue. */
export interface QueueReading {
  readonly queue: string;
  readonly depth: QueueDepth;
  /** Of the job that is next; 0 when none waits. */
  readonly oldestWaitingAgeSeconds: number;
}

/**
 * Reads the queues, one job of each at most, whatever their length.
 * @throws OdometerError `queue_unavailable`: then show nothing; old numbers would look like an idle system.
 */
export async function readQueues(queues: readonly AnyQueue[]): Promise<QueueReading[]> {
  return Promise.all(
    queues.map(async (queue) => ({
      queue: queue.name,
      depth: await queue.depth(),
      oldestWaitingAgeSeconds: await oldestWaitingAgeSeconds(queue),
    })),
  );
}

async function oldestWaitingAgeSeconds(queue: AnyQueue): Promise<number> {
  return queue.run(async (redis) => {
    // Jobs enter on the left and leave on the right.
    const [jobId] = [
      await redis.lindex(queue.key('wait'), -1),
      // With a turn: they are taken when no other job waits.
      ...(await redis.zrange(queue.key('prioritized'), '0', '0')),
    ].filter((id) => id !== null);
    if (jobId === undefined) return 0;
    const addedAtMs = await redis.hget(queue.key(jobId), 'timestamp');
    // Taken and finished between the two questions.
    if (addedAtMs === null) return 0;
    return Math.max(0, Date.now() - Number(addedAtMs)) / 1_000;
  });
}
