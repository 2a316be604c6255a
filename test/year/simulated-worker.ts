import { TrustedClock } from '@odometer/database/trusted-now';
import {
  type CountBatch,
  type DeadEvent,
  type EventBatch,
  QUEUE_PREFIX,
  type QueueName,
} from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import type { Job as PeriodsJob } from '@odometer/queues/job-worker';
import {
  createProducerRedis,
  createWorkerRedis,
  waitUntilReady,
} from '@odometer/queues/redis-connection';
import { simulatePostgresClock } from '@odometer/testing/simulated-postgres-clock';
import { type Job, Worker } from 'bullmq';
import { attributeUsage } from '../../services/stats-worker/src/attribute-usage.ts';
import { CountApplier } from '../../services/stats-worker/src/count-applier.ts';
import { EventApplier } from '../../services/stats-worker/src/event-applier.ts';
import { forgetOnConnect } from '../../services/stats-worker/src/forget-on-connect.ts';
import { MeterCatalogue } from '../../services/stats-worker/src/meter-catalogue.ts';
import { ApplyCounts } from '../../services/stats-worker/src/metrics.ts';
import { MonthPartitions } from '../../services/stats-worker/src/month-partitions.ts';
import { createPeriodsProcessor } from '../../services/stats-worker/src/periods/process-periods.ts';
import { recordReadings } from '../../services/stats-worker/src/periods/record-readings.ts';
import { UsageWriter } from '../../services/stats-worker/src/periods/usage-writer.ts';
import { RegistryCache } from '../../services/stats-worker/src/registry-cache.ts';
import { retryDeadEvent } from '../../services/stats-worker/src/retry-dead-event.ts';
import { FaultyPool } from './faulty-pool.ts';

const GRACE_MS = 72 * 3_600_000;

/** Nothing is discovered: what is not registered waits until it is. */
const NO_DISCOVERY = {
  autoProvision: false,
  maxOrganizationsPerHour: 0,
  maxProjectsPerHour: 0,
  maxDevicesPerHour: 0,
};

export interface Queues {
  readonly events: JobQueue<'events'>;
  readonly counts: JobQueue<'counts'>;
  readonly periods: JobQueue<'periods'>;
  readonly measure: JobQueue<'measure'>;
  readonly posthoc: JobQueue<'posthoc'>;
  readonly objects: JobQueue<'objects'>;
}

/** The appliers and the closer of one worker, with connections and caches of its own. */
export async function createAppliers(options: {
  readonly url: string;
  readonly maxConnections: number;
  /** Postgres' clock. */
  readonly nowMs: () => number;
}) {
  const faulty = new FaultyPool(options.url, options.maxConnections);
  const { pool } = faulty;
  await simulatePostgresClock(pool, options.nowMs);
  const registry = new RegistryCache(NO_DISCOVERY);
  const partitions = new MonthPartitions();
  const usage = new UsageWriter();
  const catalogue = new MeterCatalogue();
  forgetOnConnect(pool, [registry, partitions, usage, catalogue]);
  const parts = { pool, counts: new ApplyCounts(), registry, partitions, usage, catalogue };
  const events = new EventApplier(parts);
  const counts = new CountApplier(parts);
  return {
    faulty,
    pool,
    partitions,
    usage,
    applyEvents: (batches: readonly EventBatch[]) => events.apply(batches),
    applyCounts: (batches: readonly CountBatch[]) => counts.apply(batches),
    retry: (dead: DeadEvent) => retryDeadEvent(parts, dead),
    attribute: () => attributeUsage(pool, partitions, usage),
    record: (readings: Parameters<typeof recordReadings>[1]) => recordReadings(parts, readings),
  };
}

export type Appliers = Awaited<ReturnType<typeof createAppliers>>;

/** One worker of the simulation: it takes jobs from Redis when it is told to, not when they come. */
export type SimulatedWorker = Appliers & {
  /** Everything that waits in a queue, at most `limit`; BullMQ makes the next job of a schedule as each is taken. */
  take(queue: 'events' | 'counts' | 'periods', limit: number): Promise<readonly Job[]>;
  doPeriods(job: PeriodsJob<'periods'>, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

export async function openWorker(options: {
  readonly url: string;
  readonly redisUrl: string;
  readonly queues: Queues;
  /** Postgres' clock. */
  readonly nowMs: () => number;
  /** How wrong its own clock is; below 0 it is behind. */
  readonly aheadMs: number;
}): Promise<SimulatedWorker> {
  const { nowMs, aheadMs } = options;
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const appliers = await createAppliers({ ...options, maxConnections: 4 });
  const redis = createWorkerRedis({ url: options.redisUrl });
  await waitUntilReady(redis);
  const taker = (name: QueueName) => {
    const worker = new Worker(name, null, {
      connection: redis,
      prefix: QUEUE_PREFIX,
      autorun: false,
      // Nobody extends it; a machine that is this slow has other trouble.
      lockDuration: 600_000,
    });
    worker.on('error', () => {});
    return worker;
  };
  const takers = { events: taker('events'), counts: taker('counts'), periods: taker('periods') };
  const doPeriods = createPeriodsProcessor({
    pool: appliers.pool,
    usageQueues: [options.queues.events, options.queues.counts],
    graceMs: GRACE_MS,
    log,
    partitions: appliers.partitions,
    eventRetentionMonths: undefined,
    usage: appliers.usage,
    clock: new TrustedClock(appliers.pool, log, () => nowMs() + aheadMs),
    queue: options.queues.periods,
    measureQueue: options.queues.measure,
    posthocQueue: options.queues.posthoc,
    objectsQueue: options.queues.objects,
  });
  return {
    ...appliers,
    async take(queue, limit) {
      const jobs: Job[] = [];
      while (jobs.length < limit) {
        const job = (await takers[queue].getNextJob(TOKEN, { block: false })) as Job | undefined;
        if (job === undefined) break;
        jobs.push(job);
      }
      return jobs;
    },
    doPeriods,
    async close() {
      for (const worker of Object.values(takers)) await worker.close();
      redis.disconnect();
      await appliers.faulty.end();
    },
  };
}

/** Of all jobs' locks: one process takes them all. */
const TOKEN = 'simulated';

/** A job is done: it leaves Redis, as JobQueue's options say. */
export async function complete(job: Job): Promise<void> {
  await job.moveToCompleted(undefined, TOKEN, false);
}

export async function openQueues(redisUrl: string): Promise<Queues & { close(): Promise<void> }> {
  const redis = createProducerRedis({ url: redisUrl });
  await waitUntilReady(redis);
  const queues = {
    events: new JobQueue('events', redis),
    counts: new JobQueue('counts', redis),
    periods: new JobQueue('periods', redis),
    measure: new JobQueue('measure', redis),
    posthoc: new JobQueue('posthoc', redis),
    objects: new JobQueue('objects', redis),
  };
  return {
    ...queues,
    async close() {
      for (const queue of Object.values(queues)) await queue.stop();
      redis.disconnect();
    },
  };
}
