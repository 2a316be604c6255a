import { SCHEDULER_LOCK } from '@odometer/database/advisory-locks';
import { scheduleRuns } from '@odometer/database/maintenance/schedule-runs';
import { createPool } from '@odometer/database/pool';
import { SessionLock } from '@odometer/database/session-lock';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import { JobSchedulers } from '@odometer/queues/job-schedulers';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { checkRedisDurability } from '@odometer/queues/redis-preflight';
import { component } from '@odometer/service-kit/component';
import type { Logger } from '@odometer/service-kit/logging';
import { createRegistry } from '@odometer/service-kit/metrics';
import { periodic } from '@odometer/service-kit/periodic';
import { Service } from '@odometer/service-kit/service';
import { BellKeeper } from './bell-keeper.ts';
import { BELLS } from './bells.ts';
import type { Config } from './config.ts';
import { createMetrics } from './metrics.ts';

/** For probes and the last successes; the lock has a connection of its own. */
const MAX_CONNECTIONS = 2;
/** A standby takes over, and a lost bell hangs again, within this. A look is a handful of commands. */
const LOOK_INTERVAL_MS = 2_000;
/** Bells ring hourly at most; Prometheus asks every half minute or so. */
const LAST_SUCCESS_INTERVAL_MS = 15_000;

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

  const redis = createProducerRedis({ url: config.redisUrl });
  service.add(
    'redis',
    component({
      name: 'redis',
      start: () => checkRedisDurability(redis, config.redisDurability, log),
      stop: () => redis.disconnect(),
    }),
  );
  service.readiness('redis', async () => {
    await redis.ping();
  });

  const schedulers = service.add('queues', new JobSchedulers('periods', redis));
  const keeper = new BellKeeper({ lock, schedulers, bells: BELLS, log });
  let lastSuccess: ReadonlyMap<string, number> = new Map();
  createMetrics(registry, {
    keeper,
    // Others than bells are noted there too: what workers do at their start, or are asked to do.
    lastSuccess: () => [...lastSuccess].filter(([name]) => BELLS.some(({ id }) => id === name)),
  });
  service.add(
    'workers',
    periodic({ name: 'bells', intervalMs: LOOK_INTERVAL_MS, run: () => keeper.look(), log }),
  );
  service.add(
    'workers',
    periodic({
      name: 'last-success',
      intervalMs: LAST_SUCCESS_INTERVAL_MS,
      run: async () => {
        lastSuccess = await scheduleRuns(pool);
      },
      log,
    }),
  );
  return service.run();
}
