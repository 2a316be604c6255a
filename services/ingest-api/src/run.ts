import { listApiKeys } from '@odometer/database/api-keys';
import { createPool } from '@odometer/database/pool';
import { addIntake } from '@odometer/intake/add-intake';
import { Backlog } from '@odometer/intake/backlog';
import { eventBounds } from '@odometer/intake/event-variables';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { ProducerEpoch } from '@odometer/intake/producer-epoch';
import { REFUSAL_CODES } from '@odometer/intake/refusal';
import { sourceName } from '@odometer/intake/source-name';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { keysByHash } from '@odometer/service-kit/http/api-keys';
import { CachedTable } from '@odometer/service-kit/http/cached-table';
import { createRegistry } from '@odometer/service-kit/metrics';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import { Service } from '@odometer/service-kit/service';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { EventBatcher } from './event-batcher.ts';
import { httpServer } from './http-server.ts';
import { createMetrics, exposeSources } from './metrics.ts';
import { RateLimit } from './rate-limit.ts';
import { webhookReader } from './webhooks/read-webhooks.ts';

/** One for each of the tables that are refreshed, the acknowledgement, and a few people who look at events. */
const MAX_CONNECTIONS = 8;

/** ingest-api, put together. @returns the exit code. */
export async function run(config: Config, log: Logger): Promise<number> {
  const registry = createRegistry('ingest-api');
  const service = new Service({
    name: 'ingest-api',
    log,
    registry,
    admin: { host: config.adminHost, port: config.adminPort },
    shutdownDelayMs: config.shutdownDelayMs,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
  });

  const pool = createPool(
    {
      url: config.databaseUrl,
      applicationName: `ingest-api ${config.instance}`,
      maxConnections: MAX_CONNECTIONS,
    },
    (error) => log.warn({ event: 'postgres_connection_lost', error }),
  );
  const redis = createProducerRedis(redisEndpoint(config));
  const queue = new JobQueue('events', redis);
  const backlog = new Backlog(queue, config.maxBacklogBatches);
  const books = new IntakeBooks(REFUSAL_CODES);
  const source = sourceName(config.instance);
  const epoch = new ProducerEpoch({
    pool,
    source,
    kind: 'events',
    instance: config.instance,
    books,
    log,
  });
  const keys = new CachedTable(async () => keysByHash(await listApiKeys(pool)));
  const webhooks = new CachedTable(webhookReader(pool, log));
  const metrics = createMetrics(registry);
  const batcher = new EventBatcher({
    source,
    epoch: () => epoch.epoch,
    queue,
    books,
    settings: config,
    log,
    onDurable: metrics.observeBatch,
    onBug: (error) => service.fail(error),
  });
  let ignoredRecords = 0;
  exposeSources(registry, { books, batcher, backlog, ignoredRecords: () => ignoredRecords });
  const shared = {
    books,
    batcher,
    backlog,
    bounds: eventBounds(config),
    maxBodyBytes: config.maxBodyBytes,
    defaultOrganization: config.defaultOrganization,
  };
  const server = httpServer(
    {
      events: {
        ...shared,
        keys,
        rateLimit: new RateLimit(config.eventsPerSecond),
        eventsPerSecond: config.eventsPerSecond,
      },
      webhooks: {
        ...shared,
        webhooks,
        env: process.env,
        log,
        onIgnored: (records) => {
          ignoredRecords += records;
        },
      },
      pool,
      metrics,
      log,
    },
    { host: config.host, port: config.port },
  );

  // Drained in this order; started the other way round.
  service.add('intake', server);
  service.add('buffers', batcher);
  addIntake(service, {
    queue,
    backlog,
    epoch,
    refreshed: [
      ['api-keys', config.refreshMs, () => keys.refresh()],
      ['webhooks', config.refreshMs, () => webhooks.refresh()],
    ],
    redis,
    redisDurability: config.redisDurability,
    pool,
    log,
  });
  service.readiness('keys', () => {
    if (keys.value === undefined) throw new Error('not loaded');
  });
  return service.run();
}
