import { setTimeout as sleep } from 'node:timers/promises';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import type { QueueName } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import { readRedisSettings } from './settings.ts';

/** A person waits: one who has mistyped the address should not wait long. */
const CONNECT_DEADLINE_MS = 5_000;

/** Longer than a Redis takes that is restarted, or fails over. */
const RETURN_DEADLINE_MS = 30_000;
const ASK_AGAIN_MS = 500;

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
  // BullMQ takes longer to load than most commands to run, and most commands need none.
  const [queuing, { createProducerRedis, waitUntilReady }] = await Promise.all([
    import('@odometer/queues/job-queue'),
    import('@odometer/queues/redis-connection'),
  ]);
  const redis = createProducerRedis(redisEndpoint(readRedisSettings()));
  const queues = new Map<QueueName, JobQueue<QueueName>>();
  const open: OpenQueue = (name) => {
    const queue = queues.get(name) ?? new queuing.JobQueue<QueueName>(name, redis);
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

/**
 * Asks a queue something, and again for half a minute while Redis is away: what somebody waits for goes on meanwhile.
 *
 * @throws OdometerError `redis_unavailable` when it does not return.
 */
export async function onceRedisReturns<Result>(
  ask: () => Promise<Result>,
  deadlineMs: number = RETURN_DEADLINE_MS,
): Promise<Result> {
  const lastMs = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isOdometerError(error, 'queue_unavailable')) throw error;
      if (performance.now() > lastMs) {
        const reason = `for ${deadlineMs / 1_000} s; what was asked for goes on without this command`;
        throw new OdometerError('redis_unavailable', { reason }, { cause: error });
      }
      await sleep(ASK_AGAIN_MS);
    }
  }
}

function unavailable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return new OdometerError('redis_unavailable', { reason: error.message }, { cause: error });
}
