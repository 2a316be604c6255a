import { listApiKeys } from '@odometer/database/api-keys';
import { createPool } from '@odometer/database/pool';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { component } from '@odometer/service-kit/component';
import { keysByHash } from '@odometer/service-kit/http/api-keys';
import { CachedTable } from '@odometer/service-kit/http/cached-table';
import { publicPort } from '@odometer/service-kit/http/public-port';
import { createRegistry } from '@odometer/service-kit/metrics';
import { periodic } from '@odometer/service-kit/periodic';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import { Service } from '@odometer/service-kit/service';
import type { Logger } from 'pino';
import { askWorker } from './ask-worker.ts';
import type { Config } from './config.ts';
import { createApp } from './http/http-server.ts';
import { createMetrics } from './metrics.ts';
import { openQueues } from './open-queues.ts';
import { openApiDocument } from './openapi/document.ts';
import { routes } from './routes.ts';

/** stats-api, put together. @returns the exit code. */
export async function run(config: Config, log: Logger): Promise<number> {
  const registry = createRegistry('stats-api');
  const service = new Service({
    name: 'stats-api',
    log,
    registry,
    admin: { host: config.adminHost, port: config.adminPort },
    shutdownDelayMs: config.shutdownDelayMs,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
  });

  const pool = createPool(
    {
      url: config.databaseUrl,
      applicationName: `stats-api ${config.instance}`,
      maxConnections: config.maxConnections,
      statementTimeoutMs: config.statementTimeoutMs,
    },
    (error) => log.warn({ event: 'postgres_connection_lost', error }),
  );
  // Reading needs no Redis, so nothing waits for it here; what asks the worker says when it is away.
  const redis = createProducerRedis(redisEndpoint(config));
  const queues = openQueues(redis);
  const keys = new CachedTable(async () => keysByHash(await listApiKeys(pool)));
  const app = createApp({
    routes,
    document: openApiDocument(routes),
    keys,
    parts: {
      pool,
      log,
      nowMs: Date.now,
      ask: askWorker(queues.queue('periods')),
      queue: queues.queue,
    },
    metrics: createMetrics(registry),
    statementTimeoutMs: config.statementTimeoutMs,
    log,
  });

  // Drained in this order; started the other way round.
  service.add('intake', publicPort({ host: config.host, port: config.port, log, onRequest: app }));
  service.add('queues', queues);
  service.add(
    'queues',
    periodic({
      name: 'api-keys',
      intervalMs: config.refreshMs,
      run: () => keys.refresh(),
      log,
    }),
  );
  service.add(
    'redis',
    component({ name: 'redis', start: () => redis, stop: () => redis.disconnect() }),
  );
  service.add(
    'postgres',
    component({
      name: 'postgres',
      start: (signal) => waitForSchema(pool, signal, log),
      stop: () => pool.end(),
    }),
  );

  service.readiness('postgres', async () => {
    await pool.query('select 1');
  });
  service.readiness('keys', () => {
    if (keys.value === undefined) throw new Error('not loaded');
  });
  return service.run();
}
