import type { AwsClients } from '@odometer/aws/aws-clients';
import type { TrustedClock } from '@odometer/database/trusted-now';
import type { BatchOutcome } from '@odometer/domain/batch';
import type { CountBatch } from '@odometer/queues/catalogue';
import type { JobWorkerCounts } from '@odometer/queues/job-worker';
import type { QueueReading } from '@odometer/queues/queue-metrics';
import { gauge, integerCounter, type LabelledCount, labelled } from '@odometer/service-kit/metrics';
import { exposeQueues } from '@odometer/service-kit/queue-gauges';
import { Histogram, type Registry } from 'prom-client';
import type { BooksReading } from './books-reading.ts';
import type { ListingCounts } from './measure/bucket/listing-counts.ts';
import type { DriftReading } from './measure/cross-check/drift-reading.ts';
import type { MeasureCounts } from './measure/measure-metrics.ts';
import type { MeasuredReading } from './measure/measured-reading.ts';
import { createStorageMetrics } from './objects/storage-metrics.ts';
import type { StorageReading } from './objects/storage-reading.ts';
import { createPeriodsMetrics } from './periods/periods-metrics.ts';
import type { PeriodsReading } from './periods/periods-reading.ts';
import type { UsageWriter } from './periods/usage-writer.ts';
import type { PosthocCounts } from './posthoc/posthoc-counts.ts';
import { createPosthocMetrics } from './posthoc/posthoc-metrics.ts';
import type { PosthocReading } from './posthoc/posthoc-reading.ts';
import type { PullCounts } from './pulled-logs/pull-counts.ts';
import { createPulledLogMetrics } from './pulled-logs/pulled-log-metrics.ts';
import type { PulledLogReading } from './pulled-logs/pulled-log-reading.ts';

/** What the appliers did, as plain integers that are read at scrape. */
export class ApplyCounts {
  conflictRetries = 0;
  readonly #batches = { applied: 0, replayed: 0, fenced: 0 };
  readonly #items: Record<keyof BatchOutcome, number> = {
    counted: 0,
    duplicate: 0,
    conflicting: 0,
    invalid: 0,
    unmetered: 0,
    unattributed: 0,
    dead: 0,
  };

  /** Call after the commit. */
  addOutcomes(outcomes: readonly BatchOutcome[], replayed: number): void {
    this.#batches.applied += outcomes.length;
    this.#batches.replayed += replayed;
    for (const outcome of outcomes) {
      for (const name of Object.keys(this.#items) as (keyof BatchOutcome)[]) {
        this.#items[name] += outcome[name];
      }
    }
  }

  /** Call after the commit. */
  addMessages(
    batches: readonly CountBatch[],
    unattributed: number,
    replayed: number,
    fenced: number,
  ): void {
    this.#batches.applied += batches.length;
    this.#batches.replayed += replayed;
    this.#batches.fenced += fenced;
    for (const { messages } of batches) this.#items.counted += messages;
    this.#items.counted -= unattributed;
    this.#items.unattributed += unattributed;
  }

  batches(): Iterable<LabelledCount<'outcome'>> {
    return labelled('outcome', this.#batches);
  }

  items(): Iterable<LabelledCount<'outcome'>> {
    return labelled('outcome', this.#items);
  }
}

/** Those whose jobs are applied in transactions. */
const APPLYING_QUEUES = ['events', 'counts', 'objects'] as const;

/** Where the metrics get their figures from. */
export interface MetricSources {
  readonly apply: ApplyCounts;
  readonly measure: MeasureCounts;
  readonly posthoc: PosthocCounts;
  readonly pulls: PullCounts;
  readonly pulledLogs: Pick<PulledLogReading, 'readUntil' | 'failing'>;
  readonly posthocProgress: Pick<PosthocReading, 'behind' | 'empty' | 'held' | 'unfinishedSince'>;
  readonly aws: Pick<AwsClients, 'throttledRequests'>;
  readonly listings: ListingCounts;
  readonly workers: () => Iterable<readonly [queue: string, counts: Readonly<JobWorkerCounts>]>;
  readonly readQueues: () => Promise<readonly QueueReading[]>;
  readonly usage: Pick<UsageWriter, 'written'>;
  readonly books: Pick<BooksReading, 'items' | 'lostBatches' | 'brokenIdentities'>;
  readonly periods: Pick<PeriodsReading, 'progress'>;
  readonly drifts: Pick<DriftReading, 'drifts' | 'known' | 'withinTolerance'>;
  readonly measured: Pick<MeasuredReading, 'oldest' | 'storageDrift'>;
  readonly storage: Pick<StorageReading, 'progress'>;
  readonly clock: Pick<TrustedClock, 'aheadMs'>;
}

function exposeMeasured(
  registry: Registry,
  measured: Pick<MeasuredReading, 'oldest' | 'storageDrift'>,
): void {
  gauge({
    name: 'odometer_measured_oldest_timestamp_seconds',
    help: 'When the last complete measurement began of the declared target that was not measured for longest, by kind (bucket, registry, reading, cross_check), Unix time; its declaration while it has none. Absent when none of the kind is declared.',
    labelNames: ['kind'],
    registry,
    read: () => measured.oldest(),
  });
  gauge({
    name: 'odometer_storage_drift_objects',
    help: 'Objects that the last complete listings of all buckets found otherwise than the ledger had them, and put right. Above a few for hours: notifications are lost. Absent while none was listed in three hours.',
    registry,
    read: () => measured.storageDrift?.objects,
  });
  gauge({
    name: 'odometer_storage_drift_bytes',
    help: 'The bytes by which the ledger was wrong about them, too many and too few added up.',
    registry,
    read: () => measured.storageDrift?.bytes,
  });
}

/** Declares every metric of the stats-worker. */
export function createMetrics(registry: Registry, sources: MetricSources) {
  const { apply, workers } = sources;
  integerCounter({
    name: 'odometer_apply_batches_total',
    help: 'Batches taken from the queues, by what became of them: applied, replayed (were applied before), fenced (sent by a counter that had been replaced).',
    registry,
    labelNames: ['outcome'],
    read: () => apply.batches(),
  });
  integerCounter({
    name: 'odometer_apply_items_total',
    help: 'Events, messages and changes of objects of applied batches, by what became of them; the names are those of the books.',
    registry,
    labelNames: ['outcome'],
    read: () => apply.items(),
  });
  integerCounter({
    name: 'odometer_apply_conflict_retries_total',
    help: 'Transactions done again because another one was in their way (deadlock, serialization failure).',
    registry,
    read: () => apply.conflictRetries,
  });
  integerCounter({
    name: 'odometer_apply_rows_total',
    help: 'Rows of usage (a project and an hour, with a meter or with all of its messages) that transactions of this worker wrote, by where to: open (months), adjustments (late for a closed month).',
    registry,
    labelNames: ['target'],
    read: () => labelled('target', sources.usage.written),
  });
  integerCounter({
    name: 'odometer_measurements_total',
    help: 'Measurements of buckets, registries, readings and cross-checks that ended, by kind and outcome: complete, refused (the result was not believed), failed (there is none; it counts as missing, never as zero).',
    registry,
    labelNames: ['kind', 'outcome'],
    read: () => sources.measure.byOutcome(),
  });
  integerCounter({
    name: 'odometer_measurement_duration_seconds_total',
    help: 'Seconds spent on measuring, of every part of a measurement.',
    registry,
    read: () => sources.measure.seconds,
  });
  integerCounter({
    name: 'odometer_listing_pages_total',
    help: 'Pages of listings of buckets that were compared with the ledger.',
    registry,
    read: () => sources.listings.pages,
  });
  integerCounter({
    name: 'odometer_listing_objects_total',
    help: 'Objects and versions that listings of buckets had.',
    registry,
    read: () => sources.listings.objects,
  });
  integerCounter({
    name: 'odometer_listing_corrections_total',
    help: 'Objects of the ledger that listings put right, by reason: missed_creation, missed_change, missed_removal. What fills a bucket at first is not among them. A rate that stays above 0 says that notifications are lost.',
    registry,
    labelNames: ['reason'],
    read: () => sources.listings.byReason(),
  });
  integerCounter({
    name: 'odometer_aws_throttled_requests_total',
    help: 'Attempts at AWS APIs that were answered with throttling, also those that a retry made good, by API and by account: as declared, that of the declared role, or own.',
    registry,
    labelNames: ['api', 'account'],
    read: () => sources.aws.throttledRequests,
  });
  integerCounter({
    name: 'odometer_jobs_total',
    help: 'Jobs of this worker by what became of them: processed, failed for good, retried, stalled (taken over from a dead worker), infrastructure (waited for something that was away).',
    registry,
    labelNames: ['queue', 'outcome'],
    read: () =>
      [...workers()].flatMap(([queue, counts]) => [
        [{ queue, outcome: 'processed' }, counts.processed] as const,
        [{ queue, outcome: 'failed' }, counts.failed] as const,
        [{ queue, outcome: 'retried' }, counts.retried] as const,
        [{ queue, outcome: 'stalled' }, counts.stalled] as const,
        [{ queue, outcome: 'infrastructure' }, counts.infrastructureErrors] as const,
      ]),
  });
  const applyDuration = new Histogram({
    name: 'odometer_apply_duration_seconds',
    help: 'Duration of an applying transaction, which may hold many batches.',
    labelNames: ['queue'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  for (const queue of APPLYING_QUEUES) applyDuration.zero({ queue });
  exposeQueues(registry, sources.readQueues);
  gauge({
    name: 'odometer_books_items',
    help: 'The books: items by kind of intake and figure. received = accepted + rejected, and accepted = all others. Read twice a minute; every worker shows the same.',
    labelNames: ['kind', 'figure'],
    registry,
    read: () => sources.books.items(),
  });
  gauge({
    name: 'odometer_books_lost_batches',
    help: 'Batches that were numbered, are not applied, and are in no place for more than a minute. Anything but 0 is usage that was acknowledged and is gone.',
    labelNames: ['kind'],
    registry,
    read: () => sources.books.lostBatches(),
  });
  gauge({
    name: 'odometer_books_broken_identities',
    help: 'Identities of the books that do not hold, of the two of each kind. Anything but 0 is a bug, or a database that was restored; `odometer books` says by how much.',
    labelNames: ['kind'],
    registry,
    read: () => sources.books.brokenIdentities(),
  });
  gauge({
    name: 'odometer_broker_drift_messages',
    help: 'Messages that somebody else has counted (CloudWatch, a broker) and we have not, as the cross-check of this name found last; below 0 those that we alone have. Absent while nobody knows. Every worker shows the same.',
    labelNames: ['kind', 'name'],
    registry,
    read: () => sources.drifts.drifts(),
  });
  gauge({
    name: 'odometer_broker_drift_within_tolerance',
    help: '1 while the drift of this cross-check is within the tolerance of its declaration, else 0. Absent while nobody knows.',
    labelNames: ['kind', 'name'],
    registry,
    read: () => sources.drifts.withinTolerance(),
  });
  gauge({
    name: 'odometer_broker_drift_known',
    help: '1 while the drift of this cross-check is known, and of the last three hours, else 0.',
    labelNames: ['kind', 'name'],
    registry,
    read: () => sources.drifts.known(),
  });
  gauge({
    name: 'odometer_clock_ahead_seconds',
    help: 'By how much this worker’s clock is ahead of Postgres’; below 0: behind it. Beyond a minute somebody should set a clock; what has ended is then decided by the earlier one.',
    registry,
    read: () => {
      const { aheadMs } = sources.clock;
      return aheadMs === undefined ? undefined : aheadMs / 1_000;
    },
  });
  exposeMeasured(registry, sources.measured);
  createPeriodsMetrics(registry, sources.periods);
  createStorageMetrics(registry, sources.storage);
  createPosthocMetrics(registry, sources.posthoc, sources.posthocProgress);
  createPulledLogMetrics(registry, sources.pulls, sources.pulledLogs);
  return {
    /** Call with the time an applying transaction took, after it has committed. */
    observeApply(queue: string, durationMs: number): void {
      applyDuration.observe({ queue }, durationMs / 1_000);
    },
  };
}
