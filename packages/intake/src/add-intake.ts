import { installationId } from '@odometer/database/installation';
import type { Pool } from '@odometer/database/pool';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import type { QueueName } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import { askForKeys, claimRedis } from '@odometer/queues/own-redis';
import type { createProducerRedis } from '@odometer/queues/redis-connection';
import { checkRedisDurability } from '@odometer/queues/redis-preflight';
import { component } from '@odometer/service-kit/component';
import type { Logger } from '@odometer/service-kit/logging';
import { periodic } from '@odometer/service-kit/periodic';
import type { Service } from '@odometer/service-kit/service';
import type { Backlog } from './backlog.ts';
import type { ProducerEpoch } from './producer-epoch.ts';

/** The backlog moves by some dozens of batches a second; asking once is exact enough, and three commands to Redis. */
const BACKLOG_INTERVAL_MS = 1_000;
/** A loss at the tail, or a rejection, shows in the books this much later; one small update a second is nothing. */
const ACKNOWLEDGE_INTERVAL_MS = 1_000;

/**
 * Adds to a service what every intake stands on, in the order in which it drains: its queue, what is refreshed every so often,
 * its epoch, Redis and Postgres. What fills the queue is added before.
 *
 * @param parts.refreshed what is read again every so often: its name, interval in milliseconds, and how.
 */
export function addIntake<Name extends QueueName>(
  service: Service,
  parts: {
    readonly queue: JobQueue<Name>;
    readonly backlog: Backlog<Name>;
    readonly epoch: ProducerEpoch;
    readonly refreshed: readonly (readonly [string, number, () => Promise<void>])[];
    readonly redis: ReturnType<typeof createProducerRedis>;
    readonly redisDurability: Parameters<typeof checkRedisDurability>[1];
    readonly pool: Pool;
    readonly log: Logger;
  },
): void {
  const { queue, backlog, epoch, refreshed, redis, redisDurability, pool, log } = parts;
  service.add('queues', queue);
  const regularly = [
    ...refreshed,
    ['backlog', BACKLOG_INTERVAL_MS, () => backlog.refresh()],
    ['acknowledgement', ACKNOWLEDGE_INTERVAL_MS, () => epoch.acknowledge()],
  ] as const;
  for (const [name, intervalMs, run] of regularly) {
    service.add('queues', periodic({ name, intervalMs, run, log }));
  }
  // Before Postgres, because closing it is a statement.
  service.add('redis', epoch);
  service.add(
    'redis',
    component({
      name: 'redis',
      start: async () => {
        await checkRedisDurability(redis, redisDurability, log);
        await claimRedis(redis, await installationId(pool));
      },
      stop: () => redis.disconnect(),
    }),
  );
  service.add(
    'postgres',
    component({
      name: 'postgres',
      start: (signal) => waitForSchema(pool, signal, log),
      stop: () => pool.end(),
    }),
  );
  service.readiness('redis', () => askForKeys(redis));
  service.readiness('epoch', () => {
    if (!epoch.isOpen) throw new Error('not open');
  });
}
