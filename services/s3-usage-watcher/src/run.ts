import { createPool } from '@odometer/database/pool';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import { addIntake } from '@odometer/intake/add-intake';
import { Backlog } from '@odometer/intake/backlog';
import { BatchProducer } from '@odometer/intake/batch-producer';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { ProducerEpoch } from '@odometer/intake/producer-epoch';
import { sourceName } from '@odometer/intake/source-name';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { CachedTable } from '@odometer/service-kit/http/cached-table';
import { createRegistry } from '@odometer/service-kit/metrics';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
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
  const redis = createProducerRedis(redisEndpoint(config));
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
  addIntake(service, {
    queue,
    backlog,
    epoch,
    refreshed: [['declarations', config.refreshMs, () => declared.refresh()]],
    redis,
    redisDurability: config.redisDurability,
    pool,
    log,
  });
  service.readiness('declarations', () => {
    if (buckets.value === undefined) throw new Error('not read');
  });
  return service.run();
}
