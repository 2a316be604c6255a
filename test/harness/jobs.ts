import type { JobCatalogue, QueueName } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { System } from './system.ts';

/** The queue of this name, typed for adding. */
export function queueOf<Q extends QueueName>(system: System, name: Q): JobQueue<Q> {
  // The map's type cannot say that each name has its own queue.
  return system.queues.get(name) as unknown as JobQueue<Q>;
}

/** Batches that wait in a queue, the oldest first, as they lie in Redis. A job that is there twice is here twice. */
export async function waitingBatches<Q extends 'events' | 'counts'>(
  system: System,
  name: Q,
): Promise<readonly BatchOf<Q>[]> {
  const queue = queueOf(system, name);
  const ids = await queue.run((redis) => redis.lrange(queue.key('wait'), 0, -1));
  const batches: BatchOf<Q>[] = [];
  for (const id of ids.toReversed()) {
    const [job, data] = await queue.run((redis) => redis.hmget(queue.key(id), 'name', 'data'));
    if (data != null && job?.endsWith('-batch')) batches.push(JSON.parse(data));
  }
  return batches;
}

type BatchOf<Q extends 'events' | 'counts'> = Q extends 'events'
  ? JobCatalogue['events']['event-batch']
  : JobCatalogue['counts']['count-batch'];
