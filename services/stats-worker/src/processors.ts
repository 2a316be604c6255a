import type { Pool } from '@odometer/database/pool';
import type { TrustedClock } from '@odometer/database/trusted-now';
import type {
  CountBatch,
  EventBatch,
  MessageBatch,
  ObjectBatch,
  QueueName,
} from '@odometer/queues/catalogue';
import { isInfrastructureError } from '@odometer/queues/infrastructure-error';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Processor } from '@odometer/queues/job-worker';
import { attributeAll } from './attribute-all.ts';
import { checkCountBatch, checkEventBatch, checkMessageBatch } from './check-payload.ts';
import { CountApplier } from './count-applier.ts';
import { EventApplier } from './event-applier.ts';
import { forgetOnConnect } from './forget-on-connect.ts';
import { GroupCommit } from './group-commit.ts';
import { createMeasureProcessor, type MeasureParts } from './measure/process-measure.ts';
import { MessageApplier } from './message-applier.ts';
import { MeterCatalogue } from './meter-catalogue.ts';
import type { ApplyCounts } from './metrics.ts';
import type { MonthPartitions } from './month-partitions.ts';
import type { BucketCatalogue } from './objects/bucket-catalogue.ts';
import { ObjectApplier } from './objects/object-applier.ts';
import { createObjectsProcessor } from './objects/process-objects.ts';
import { createPeriodsProcessor, type PeriodsParts } from './periods/process-periods.ts';
import type { UsageWriter } from './periods/usage-writer.ts';
import type { RegistryCache } from './registry-cache.ts';
import { retryDeadEvent } from './retry-dead-event.ts';

/** Events of a group: enough to make the transaction's fixed cost small, few enough to stay at a tenth of a second. */
const MAX_EVENTS_A_GROUP = 4_000;
/** Messages with ids cost what events cost: a claim each. */
const MAX_MESSAGES_A_GROUP = MAX_EVENTS_A_GROUP;
/** So do changes of objects: a row each, and seldom more. */
const MAX_CHANGES_A_GROUP = MAX_EVENTS_A_GROUP;
/** Two at a time: while one transaction waits for Postgres, the other is prepared here. */
const EVENT_GROUPS = 2;
/**
 * Requests with one event each make batches of a few dozen. A transaction costs as much as some hundred events, so a rest
 * is worth twice its length; and nobody notices a tenth of a second. Under a backlog groups are full and there is no rest.
 */
const EVENT_REST_PER_WORK = 2;
const MAX_EVENT_REST_MS = 100;
/** Distinct owners of a group of flushes: bounds a transaction to about a second. */
const MAX_OWNERS_A_GROUP = 100_000;
/** Flushes of one counter touch the same rows, so a second transaction would only wait for the first. */
const COUNT_GROUPS = 1;
/**
 * A project is written once a group, however many flushes the group holds. A hundred projects take milliseconds, and a
 * third of a second of flushes shares them; ten thousand take a third of a second, and a rest three times as long cuts
 * Postgres' load to a quarter.
 */
const COUNT_REST_PER_WORK = 3;
const MIN_COUNT_REST_MS = 300;
/** Totals are to be complete within two seconds of the last message: flush, rest and transaction together. */
const MAX_COUNT_REST_MS = 1_000;

export interface ProcessorParts {
  readonly pool: Pool;
  readonly registry: RegistryCache;
  readonly buckets: BucketCatalogue;
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
  readonly clock: TrustedClock;
  readonly counts: ApplyCounts;
  readonly observeApply: (queue: QueueName, durationMs: number) => void;
  /** For what follows when a job's time is up. */
  readonly objectsQueue: JobQueue<'objects'>;
  readonly periods: Pick<
    PeriodsParts,
    | 'queue'
    | 'measureQueue'
    | 'posthocQueue'
    | 'usageQueues'
    | 'graceMs'
    | 'eventRetentionMonths'
    | 'log'
  >;
  readonly measure: Omit<MeasureParts, 'pool'>;
  readonly posthoc: Processor<'posthoc'>;
}

/** What is done with the jobs of each queue. */
export function createProcessors(parts: ProcessorParts): {
  readonly [Q in QueueName]: Processor<Q>;
} {
  const { pool, partitions, usage, clock, observeApply } = parts;
  const catalogue = new MeterCatalogue();
  forgetOnConnect(pool, [catalogue]);
  const events = new EventApplier({ ...parts, catalogue });
  const counts = new CountApplier(parts);
  const messages = new MessageApplier(parts);
  const objects = new ObjectApplier(parts);
  const eventGroups = new GroupCommit<EventBatch>({
    apply: (batches) =>
      timed(
        (ms) => observeApply('events', ms),
        () => events.apply(batches),
      ),
    weight: (batch) => batch.events.length,
    maxWeight: MAX_EVENTS_A_GROUP,
    maxConcurrentGroups: EVENT_GROUPS,
    restMs: (durationMs) => Math.min(durationMs * EVENT_REST_PER_WORK, MAX_EVENT_REST_MS),
    isItemsFault,
  });
  const countGroups = new GroupCommit<CountBatch>({
    apply: (batches) =>
      timed(
        (ms) => observeApply('counts', ms),
        () => counts.apply(batches),
      ),
    weight: (batch) => batch.hours.reduce((owners, { counts }) => owners + counts.length, 1),
    maxWeight: MAX_OWNERS_A_GROUP,
    maxConcurrentGroups: COUNT_GROUPS,
    restMs: (durationMs) =>
      Math.min(Math.max(durationMs * COUNT_REST_PER_WORK, MIN_COUNT_REST_MS), MAX_COUNT_REST_MS),
    isItemsFault,
  });
  const messageGroups = new GroupCommit<MessageBatch>({
    apply: (batches) =>
      timed(
        (ms) => observeApply('counts', ms),
        () => messages.apply(batches),
      ),
    weight: (batch) => batch.messages.length,
    maxWeight: MAX_MESSAGES_A_GROUP,
    maxConcurrentGroups: COUNT_GROUPS,
    restMs: (durationMs) =>
      Math.min(Math.max(durationMs * COUNT_REST_PER_WORK, MIN_COUNT_REST_MS), MAX_COUNT_REST_MS),
    isItemsFault,
  });
  const objectGroups = new GroupCommit<ObjectBatch>({
    apply: (batches) =>
      timed(
        (ms) => observeApply('objects', ms),
        () => objects.apply(batches),
      ),
    weight: (batch) => batch.changes.length,
    maxWeight: MAX_CHANGES_A_GROUP,
    maxConcurrentGroups: EVENT_GROUPS,
    restMs: (durationMs) => Math.min(durationMs * EVENT_REST_PER_WORK, MAX_EVENT_REST_MS),
    isItemsFault,
  });
  const measure = createMeasureProcessor({ ...parts, ...parts.measure });
  return {
    events: async (job) => {
      if (job.name === 'event') await retryDeadEvent({ ...parts, catalogue }, job.payload);
      else await eventGroups.submit(checkEventBatch(job.payload));
    },
    counts: async (job) => {
      // A seal has done its work by holding the job id of the flush it replaces.
      if (job.name === 'count-batch') await countGroups.submit(checkCountBatch(job.payload));
      if (job.name === 'message-batch') await messageGroups.submit(checkMessageBatch(job.payload));
    },
    objects: createObjectsProcessor({ ...parts, queue: parts.objectsQueue }, objectGroups),
    measure: async (job, signal) => {
      // What is measured is stamped with it again and again.
      await clock.now();
      await measure(job, signal);
    },
    posthoc: parts.posthoc,
    registry: async () => {
      await attributeAll(pool, partitions, usage);
    },
    periods: createPeriodsProcessor({ ...parts, ...parts.periods }),
  };
}

async function timed(observe: (ms: number) => void, work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await work();
  observe(performance.now() - startedAt);
}

function isItemsFault(error: unknown): boolean {
  return !isInfrastructureError(error);
}
