import { AwsClients } from '@odometer/aws/aws-clients';
import { storeDeadLetter } from '@odometer/database/dead-letters';
import { installationId } from '@odometer/database/installation';
import { createPool } from '@odometer/database/pool';
import { TrustedClock } from '@odometer/database/trusted-now';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import { QUEUE_NAMES, type QueueName } from '@odometer/queues/catalogue';
import { DeadLetterSweep } from '@odometer/queues/dead-letter-sweep';
import { JobQueue } from '@odometer/queues/job-queue';
import { JobWorker, type Processor } from '@odometer/queues/job-worker';
import { askForKeys, claimRedis } from '@odometer/queues/own-redis';
import { readQueues } from '@odometer/queues/queue-metrics';
import { createProducerRedis, createWorkerRedis } from '@odometer/queues/redis-connection';
import { checkRedisDurability } from '@odometer/queues/redis-preflight';
import { component } from '@odometer/service-kit/component';
import type { Logger } from '@odometer/service-kit/logging';
import { createRegistry } from '@odometer/service-kit/metrics';
import { periodic } from '@odometer/service-kit/periodic';
import { progressWatchdog } from '@odometer/service-kit/progress-watchdog';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import { Service } from '@odometer/service-kit/service';
import { attributeAll } from './attribute-all.ts';
import { BooksReading } from './books-reading.ts';
import type { Config } from './config.ts';
import { forgetOnConnect } from './forget-on-connect.ts';
import { ListingCounts } from './measure/bucket/listing-counts.ts';
import { DriftReading } from './measure/cross-check/drift-reading.ts';
import { MeasureCounts } from './measure/measure-metrics.ts';
import { MeasuredReading } from './measure/measured-reading.ts';
import { createMeasurers } from './measure/measurers.ts';
import { ApplyCounts, createMetrics } from './metrics.ts';
import { MonthPartitions } from './month-partitions.ts';
import { BucketCatalogue } from './objects/bucket-catalogue.ts';
import { readUnreadLevels } from './objects/read-levels.ts';
import { StorageReading } from './objects/storage-reading.ts';
import { PeriodsReading } from './periods/periods-reading.ts';
import { startBell } from './periods/start-bell.ts';
import { UsageWriter } from './periods/usage-writer.ts';
import { createPosthoc } from './posthoc/create-posthoc.ts';
import { PosthocCounts } from './posthoc/posthoc-counts.ts';
import { PosthocReading } from './posthoc/posthoc-reading.ts';
import { createProcessors } from './processors.ts';
import { PullCounts } from './pulled-logs/pull-counts.ts';
import { PulledLogReading } from './pulled-logs/pulled-log-reading.ts';
import { RegistryCache } from './registry-cache.ts';

/** Appliers use three connections at once; the rest is for sweeps and probes. */
const MAX_CONNECTIONS = 6;
/** Jobs in hand: what waits in a group while another is applied. More would only lengthen the groups. */
const CONCURRENCY: Readonly<Record<QueueName, number>> = {
  events: 32,
  counts: 64,
  objects: 32,
  registry: 1,
  periods: 2,
  // Mostly waiting for others; so many targets may hang before they delay the next.
  measure: 16,
  // Each has the memory that a query may use.
  posthoc: 1,
};
/** Usage stored just after its name was registered waits for this sweep. */
const ATTRIBUTION_INTERVAL_MS = 60_000;
/** Stored bytes are to be known within a minute of their notification: queue, transaction and this. */
const LEVELS_INTERVAL_MS = 15_000;
/** Partitions are made two months ahead; an hour is soon enough. */
const PARTITION_INTERVAL_MS = 3_600_000;
/** Whoever asks what has ended compares the clocks then; this is for those who are to set them. */
const CLOCK_INTERVAL_MS = 60_000;
/** A loss is one after a minute; a reading costs what was applied since the last. */
const BOOKS_INTERVAL_MS = 30_000;

/** Runs a stats-worker until it is told to stop. @returns the exit code. */
export async function run(config: Config, log: Logger): Promise<number> {
  const registry = createRegistry('stats-worker');
  const service = new Service({
    name: 'stats-worker',
    log,
    registry,
    admin: { host: config.adminHost, port: config.adminPort },
    shutdownDelayMs: config.shutdownDelayMs,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
  });

  const pool = createPool(
    {
      url: config.databaseUrl,
      applicationName: 'odometer stats-worker',
      maxConnections: MAX_CONNECTIONS,
    },
    (error) => log.warn({ event: 'postgres_connection_lost', error }),
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

  const producerRedis = createProducerRedis(redisEndpoint(config));
  const workerRedis = createWorkerRedis(redisEndpoint(config));
  service.add(
    'redis',
    component({
      name: 'redis',
      start: async () => {
        await checkRedisDurability(producerRedis, config.redisDurability, log);
        await claimRedis(producerRedis, await installationId(pool));
      },
      stop: () => {
        producerRedis.disconnect();
        workerRedis.disconnect();
      },
    }),
  );
  service.readiness('redis', () => askForKeys(producerRedis));

  const partitions = new MonthPartitions();
  const owners = new RegistryCache(config);
  const usage = new UsageWriter();
  const clock = new TrustedClock(pool, log);
  const buckets = new BucketCatalogue();
  forgetOnConnect(pool, [owners, buckets, partitions, usage]);
  const counts = new ApplyCounts();
  const measureCounts = new MeasureCounts();
  const listings = new ListingCounts();
  const posthocCounts = new PosthocCounts();
  const pullCounts = new PullCounts();
  const aws = new AwsClients();
  service.add('postgres', component({ name: 'aws', start: () => {}, stop: () => aws.stop() }));
  const queues = config.queues.map((name) =>
    service.add('queues', new JobQueue(name, producerRedis)),
  );
  const allQueues = QUEUE_NAMES.map((name) =>
    service.add('queues', new JobQueue(name, producerRedis)),
  );
  const workers = new Map<QueueName, JobWorker<QueueName>>();
  const usageQueues = {
    events: service.add('queues', new JobQueue('events', producerRedis)),
    mqtt: service.add('queues', new JobQueue('counts', producerRedis)),
    objects: service.add('queues', new JobQueue('objects', producerRedis)),
  };
  const periodsQueue = service.add('queues', new JobQueue('periods', producerRedis));
  const measureQueue = service.add('queues', new JobQueue('measure', producerRedis));
  const posthocQueue = service.add('queues', new JobQueue('posthoc', producerRedis));
  const posthoc = createPosthoc({
    pool,
    eventsQueue: usageQueues.events,
    counts: posthocCounts,
    pullCounts,
    env: process.env,
    aws,
    config,
    onBug: (error) => service.fail(error),
    log,
  });
  if (config.queues.includes('posthoc')) posthoc.addTo(service);
  const books = new BooksReading(pool, usageQueues);
  const periods = new PeriodsReading(pool);
  const drifts = new DriftReading(pool);
  const measured = new MeasuredReading(pool);
  const storage = new StorageReading(pool);
  const posthocProgress = new PosthocReading(pool);
  const pulledLogs = new PulledLogReading(pool);
  const metrics = createMetrics(registry, {
    apply: counts,
    measure: measureCounts,
    posthoc: posthocCounts,
    posthocProgress,
    pulls: pullCounts,
    pulledLogs,
    aws,
    listings,
    books,
    periods,
    drifts,
    measured,
    storage,
    clock,
    usage,
    workers: () => [...workers].map(([queue, worker]) => [queue, worker.counts] as const),
    // Every queue, not only those of this worker's role: what waits is seen while those who take it are away.
    readQueues: () => readQueues(allQueues),
  });
  const processors = createProcessors({
    pool,
    registry: owners,
    buckets,
    partitions,
    usage,
    clock,
    counts,
    observeApply: metrics.observeApply,
    objectsQueue: usageQueues.objects,
    periods: {
      queue: periodsQueue,
      measureQueue,
      posthocQueue,
      // Changes of objects are levels and no usage: they hold no month up.
      usageQueues: [usageQueues.events, usageQueues.mqtt],
      graceMs: config.closeGraceHours * 3_600_000,
      eventRetentionMonths: config.eventRetentionMonths,
      log,
    },
    measure: {
      queue: measureQueue,
      measurers: createMeasurers({
        pool,
        owners,
        buckets,
        partitions,
        usage,
        clock,
        aws,
        listings,
        env: process.env,
        log,
      }),
      counts: measureCounts,
      log,
    },
    posthoc: posthoc.process,
  });

  for (const queue of queues) {
    const worker = service.add(
      'workers',
      new JobWorker<QueueName>({
        queue: queue.name,
        redis: workerRedis,
        // A queue's jobs are its own, which the type of a map over queues cannot say.
        process: processors[queue.name] as Processor<QueueName>,
        concurrency: CONCURRENCY[queue.name],
        log,
      }),
    );
    workers.set(queue.name, worker);
    const watchdog = service.add(
      'workers',
      progressWatchdog({
        name: `${queue.name}-watchdog`,
        work: async () => ({ waiting: (await queue.depth()).waiting, active: worker.active }),
        progress: () => worker.progress(),
        onStuck: (error) => service.fail(error),
      }),
    );
    service.liveness(queue.name, () => watchdog.check());
  }

  if (config.queues.includes('periods')) {
    service.add('workers', startBell(periodsQueue));
  }
  service.add(
    'workers',
    new DeadLetterSweep({ queues, store: (letter) => storeDeadLetter(pool, letter), log }),
  );
  service.add(
    'workers',
    periodic({
      name: 'attribution',
      intervalMs: ATTRIBUTION_INTERVAL_MS,
      run: async () => {
        const { rows, objects } = await attributeAll(pool, partitions, usage);
        if (rows > 0) log.info({ event: 'usage_attributed', rows });
        if (objects > 0) log.info({ event: 'objects_attributed', objects });
      },
      log,
    }),
  );
  if (config.queues.includes('objects')) {
    service.add(
      'workers',
      periodic({
        name: 'levels',
        intervalMs: LEVELS_INTERVAL_MS,
        run: async () => {
          await readUnreadLevels({ pool, partitions, usage });
        },
        log,
      }),
    );
  }
  service.add(
    'workers',
    periodic({
      name: 'partitions',
      intervalMs: PARTITION_INTERVAL_MS,
      run: async () => partitions.makeAhead(pool, await clock.now()),
      log,
    }),
  );
  service.add(
    'workers',
    periodic({
      name: 'clock',
      intervalMs: CLOCK_INTERVAL_MS,
      run: async () => {
        await clock.now();
      },
      log,
    }),
  );
  service.add(
    'workers',
    periodic({ name: 'books', intervalMs: BOOKS_INTERVAL_MS, run: () => books.refresh(), log }),
  );
  service.add(
    'workers',
    periodic({
      name: 'periods-reading',
      intervalMs: BOOKS_INTERVAL_MS,
      run: () => periods.refresh(),
      log,
    }),
  );
  service.add(
    'workers',
    periodic({
      name: 'storage-reading',
      intervalMs: BOOKS_INTERVAL_MS,
      run: () => storage.refresh(),
      log,
    }),
  );
  service.add(
    'workers',
    periodic({
      name: 'posthoc-reading',
      intervalMs: BOOKS_INTERVAL_MS,
      run: async () => {
        await posthocProgress.refresh(clock.nowMs());
        await pulledLogs.refresh();
      },
      log,
    }),
  );
  service.add(
    'workers',
    periodic({
      name: 'drift-reading',
      intervalMs: BOOKS_INTERVAL_MS,
      run: async () => {
        await drifts.refresh();
        await measured.refresh();
      },
      log,
    }),
  );
  return service.run();
}
