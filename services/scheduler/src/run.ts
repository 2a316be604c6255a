import { SCHEDULER_LOCK } from '@odometer/database/advisory-locks';
import { installationId } from '@odometer/database/installation';
import { createPool } from '@odometer/database/pool';
import { SessionLock } from '@odometer/database/session-lock';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { JobSchedulers } from '@odometer/queues/job-schedulers';
import { askForKeys, claimRedis } from '@odometer/queues/own-redis';
import { readQueues } from '@odometer/queues/queue-metrics';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { readRedisFigures } from '@odometer/queues/redis-figures';
import { checkRedisDurability } from '@odometer/queues/redis-preflight';
import { component } from '@odometer/service-kit/component';
import type { Logger } from '@odometer/service-kit/logging';
import { createRegistry } from '@odometer/service-kit/metrics';
import { periodic } from '@odometer/service-kit/periodic';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import { Service } from '@odometer/service-kit/service';
import { BellKeeper } from './bell-keeper.ts';
import { BELLS } from './bells.ts';
import type { Config } from './config.ts';
import { createMetrics } from './metrics.ts';
import { SystemReading } from './system-reading.ts';

/** For probes and readings; the lock has a connection of its own. */
const MAX_CONNECTIONS = 2;
/** A standby takes over, and a lost bell hangs again, within this. A look is a handful of commands. */
const LOOK_INTERVAL_MS = 2_000;
/** Prometheus asks every half minute or so. */
const READING_INTERVAL_MS = 15_000;

/** Runs a scheduler until it is told to stop. @returns the exit code. */
export async function run(config: Config, log: Logger): Promise<number> {
  const registry = createRegistry('scheduler');
  const service = new Service({
    name: 'scheduler',
    log,
    registry,
    admin: { host: config.adminHost, port: config.adminPort },
    shutdownDelayMs: config.shutdownDelayMs,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
  });

  const postgres = { url: config.databaseUrl, applicationName: 'odometer scheduler' };
  const pool = createPool({ ...postgres, maxConnections: MAX_CONNECTIONS }, (error) =>
    log.warn({ event: 'postgres_connection_lost', error }),
  );
  const lock = new SessionLock({ ...postgres, key: SCHEDULER_LOCK });
  service.add(
    'postgres',
    component({
      name: 'postgres',
      start: (signal) => waitForSchema(pool, signal, log),
      stop: async () => {
        await lock.release();
        await pool.end();
      },
    }),
  );
  service.readiness('postgres', async () => {
    await pool.query('select 1');
  });

  const redis = createProducerRedis(redisEndpoint(config));
  service.add(
    'redis',
    component({
      name: 'redis',
      start: async () => {
        await checkRedisDurability(redis, config.redisDurability, log);
        await claimRedis(redis, await installationId(pool));
      },
      stop: () => redis.disconnect(),
    }),
  );
  service.readiness('redis', () => askForKeys(redis));

  const schedulers = service.add('queues', new JobSchedulers('periods', redis));
  const keeper = new BellKeeper({ lock, schedulers, bells: BELLS, log });
  const queues = QUEUE_NAMES.map((name) => service.add('queues', new JobQueue(name, redis)));
  const system = new SystemReading(pool, () => readRedisFigures(redis));
  createMetrics(registry, { keeper, system, readQueues: () => readQueues(queues) });
  service.add(
    'workers',
    periodic({ name: 'bells', intervalMs: LOOK_INTERVAL_MS, run: () => keeper.look(), log }),
  );
  service.add(
    'workers',
    periodic({
      name: 'system-reading',
      intervalMs: READING_INTERVAL_MS,
      run: () => system.refreshNoted(),
      log,
    }),
  );
  service.add(
    'workers',
    periodic({
      name: 'redis-reading',
      intervalMs: READING_INTERVAL_MS,
      run: () => system.refreshRedis(),
      log,
    }),
  );
  return service.run();
}
