import { createPool } from '@odometer/database/pool';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import { Backlog } from '@odometer/intake/backlog';
import { BatchProducer } from '@odometer/intake/batch-producer';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { ProducerEpoch } from '@odometer/intake/producer-epoch';
import { sourceName } from '@odometer/intake/source-name';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { checkRedisDurability } from '@odometer/queues/redis-preflight';
import { component } from '@odometer/service-kit/component';
import { CachedTable } from '@odometer/service-kit/http/cached-table';
import { createRegistry } from '@odometer/service-kit/metrics';
import { periodic } from '@odometer/service-kit/periodic';
import { Service } from '@odometer/service-kit/service';
import type { Logger } from 'pino';
import { DeclaredNotifications } from './buckets/declared-notifications.ts';
import { bucketReader } from './buckets/read-buckets.ts';
import type { Config } from './config.ts';
import { NotificationCounts } from './intake/notification-counts.ts';
import { NotificationIntake } from './intake/notification-intake.ts';
import { RefusedProducer } from './intake/refused-producer.ts';
import { REFUSAL_REASONS } from './intake/sort-records.ts';
import { createMetrics, exposeSources } from './metrics.ts';
import { PulledSources } from './sources/pulled-sources.ts';
import { httpServer } from './webhook/http-server.ts';

/** One for the declarations, one for the acknowledgement, one to spare. */
const MAX_CONNECTIONS = 3;
/** The backlog moves by some dozens of batches a second; asking once is exact enough. */
const BACKLOG_INTERVAL_MS = 1_000;
/** A loss at the tail, or a refusal, shows in the books this much later; one small update a second is nothing. */
const ACKNOWLEDGE_INTERVAL_MS = 1_000;

/** s3-usage-watcher, put together. @returns the exit code. */
export async function run(config: Config, log: Logger): Promise<number> {
  const registry = createRegistry('s3-usage-watcher');
  const service = new Service({
    name: 's3-usage-watcher',
    log,
    registry,
    admin: { host: config.adminHost, port: config.adminPort },
    shutdownDelayMs: config.shutdownDelayMs,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
  });

  const pool = createPool(
    {
      url: config.databaseUrl,
      applicationName: `s3-usage-watcher ${config.instance}`,
      maxConnections: MAX_CONNECTIONS,
    },
    (error) => log.warn({ event: 'postgres_connection_lost', error }),
  );
  const redis = createProducerRedis({ url: config.redisUrl });
  const queue = new JobQueue('objects', redis);
  const backlog = new Backlog(queue, config.maxBacklogBatches);
  const books = new IntakeBooks(REFUSAL_REASONS);
  const source = sourceName(`objects-${config.instance}`);
  const epoch = new ProducerEpoch({
    pool,
    source,
    kind: 'objects',
    instance: config.instance,
    books,
    log,
  });
  const producer = new BatchProducer<ObjectChange>({
    source,
    epoch: () => epoch.epoch,
    books,
    enqueue: ({ items, ...header }, jobId, signal) =>
      enqueueUntilDurable(queue, 'object-batch', { ...header, changes: items }, jobId, { signal }),
    onBug: (error) => service.fail(error),
  });
  const buckets = new CachedTable(bucketReader(pool, log));
  const counts = new NotificationCounts();
  const intake = new NotificationIntake({
    table: () => buckets.value,
    producer,
    refused: new RefusedProducer({ queue, books }),
    backlog,
    counts,
    maxUnconfirmedRecords: config.maxUnconfirmedRecords,
  });
  const sources = new PulledSources({ ...config, intake, env: process.env, log });
  const declared = new DeclaredNotifications({ buckets, sources, log });
  const metrics = createMetrics(registry);
  exposeSources(registry, { counts, books, intake, backlog, sources });
  const server = httpServer(
    { ...config, intake, env: process.env, webhooks: () => declared.webhooks, metrics, log },
    { host: config.host, port: config.port },
  );

  // Drained in this order; started the other way round. The producer stops with those who fill it: they wait for it.
  for (const each of [producer, intake, sources, server]) service.add('intake', each);
  service.add('queues', queue);
  const regularly: readonly (readonly [string, number, () => Promise<void>])[] = [
    ['declarations', config.refreshMs, () => declared.refresh()],
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
  service.readiness('declarations', () => {
    if (buckets.value === undefined) throw new Error('not read');
  });
  return service.run();
}
