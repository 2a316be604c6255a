import { QUEUE_NAMES, type QueueName } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import type { createProducerRedis } from '@odometer/queues/redis-connection';
import type { Component } from '@odometer/service-kit/component';

/** All queues on one connection; they stop together. */
export interface OpenQueues extends Component {
  readonly queue: <Q extends QueueName>(name: Q) => JobQueue<Q>;
}

/** Opens every queue. The connection stays its maker's. */
export function openQueues(redis: ReturnType<typeof createProducerRedis>): OpenQueues {
  const queues = new Map(
    QUEUE_NAMES.map((name) => [name, new JobQueue<QueueName>(name, redis)] as const),
  );
  return {
    name: 'queues',
    queue: <Q extends QueueName>(name: Q) => queues.get(name) as unknown as JobQueue<Q>,
    async start() {},
    async stop() {
      await Promise.all([...queues.values()].map((queue) => queue.stop()));
    },
  };
}
