import { listApiKeys } from '@odometer/database/api-keys';
import { createPool } from '@odometer/database/pool';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import { Backlog } from '@odometer/intake/backlog';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { ProducerEpoch } from '@odometer/intake/producer-epoch';
import { sourceName } from '@odometer/intake/source-name';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { checkRedisDurability } from '@odometer/queues/redis-preflight';
import { component } from '@odometer/service-kit/component';
import { keysByHash } from '@odometer/service-kit/http/api-keys';
import { CachedTable } from '@odometer/service-kit/http/cached-table';
import { createRegistry } from '@odometer/service-kit/metrics';
import { periodic } from '@odometer/service-kit/periodic';
import { Service } from '@odometer/service-kit/service';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { EventBatcher } from './event-batcher.ts';
import { httpServer } from './http-server.ts';
import { createMetrics, exposeSources } from './metrics.ts';
import { RateLimit } from './rate-limit.ts';
import { REFUSAL_CODES } from './refusal.ts';
import { webhookReader } from './webhooks/read-webhooks.ts';

/** One for each of the tables that are refreshed, the acknowledgement, and a few people who look at events. */
const MAX_CONNECTIONS = 8;
/** The backlog moves by some dozens of batches a second; asking once is exact enough, and three commands to Redis. */
const BACKLOG_INTERVAL_MS = 1_000;
/** A loss at the tail, or a rejection, shows in the books this much later; one small update a second is nothing. */
const ACKNOWLEDGE_INTERVAL_MS = 1_000;

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
  const redis = createProducerRedis({ url: config.redisUrl });
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
    bounds: {
      maxFutureMs: config.maxFutureMs,
      maxAgeMs: config.maxAgeSeconds * 1_000,
      maxEventBytes: config.maxEventBytes,
    },
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
  service.add('queues', queue);
  const regularly: readonly (readonly [string, number, () => Promise<void>])[] = [
    ['api-keys', config.refreshMs, () => keys.refresh()],
    ['webhooks', config.refreshMs, () => webhooks.refresh()],
    ['backlog', BACKLOG_INTERVAL_MS, () => backlog.refresh()],
    ['acknowledgement', ACKNOWLEDGE_INTERVAL_MS, () => epoch.acknowledge()],
  ];
  for (const [name, intervalMs, task] of regularly) {
    service.add('queues', periodic({ name, intervalMs, run: task, log }));
  }
  // Before Postgres, because closing it is a statement.
  service.add('redis', epoch);
  service.add(
    'redis',
    component({
      name: 'redis',
      start: () => checkRedisDurability(redis, config.redisDurability, log),
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

  service.readiness('redis', async () => {
    await redis.ping();
  });
  service.readiness('epoch', () => {
    if (!epoch.isOpen) throw new Error('not open');
  });
  service.readiness('keys', () => {
    if (keys.value === undefined) throw new Error('not loaded');
  });
  return service.run();
}
