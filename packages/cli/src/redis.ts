import { OdometerError } from '@odometer/domain/errors';
import type { QueueName } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { readRedisSettings } from './settings.ts';

/** A person waits: one who has mistyped the address should not wait long. */
const CONNECT_DEADLINE_MS = 5_000;

/** Opens queues by name; a queue is opened once. */
export type OpenQueue = <Q extends QueueName>(name: Q) => JobQueue<Q>;

/**
 * Lends queues to one command, and closes them.
 *
 * @throws OdometerError `redis_unavailable` when it does not answer within 5 s.
 */
export async function withQueues<Result>(
  work: (open: OpenQueue) => Promise<Result>,
): Promise<Result> {
  const redis = createProducerRedis({ url: readRedisSettings().redisUrl });
  const queues = new Map<QueueName, JobQueue<QueueName>>();
  const open: OpenQueue = (name) => {
    const queue = queues.get(name) ?? new JobQueue<QueueName>(name, redis);
    queues.set(name, queue);
    return queue as unknown as JobQueue<typeof name>;
  };
  try {
    await waitUntilReady(redis, CONNECT_DEADLINE_MS).catch((error: unknown) => {
      throw unavailable(error);
    });
    return await work(open);
  } finally {
    for (const queue of queues.values()) await queue.stop();
    redis.disconnect();
  }
}

function unavailable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return new OdometerError('redis_unavailable', { reason: error.message }, { cause: error });
}
