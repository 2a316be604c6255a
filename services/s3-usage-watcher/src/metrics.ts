import type { Backlog } from '@odometer/intake/backlog';
import type { IntakeBooks } from '@odometer/intake/intake-books';
import { integerCounter, type LabelledCount, type Registry } from '@odometer/service-kit/metrics';
import { Gauge, Histogram } from 'prom-client';
import type { NotificationCounts } from './intake/notification-counts.ts';
import type { NotificationIntake } from './intake/notification-intake.ts';
import type { PulledSources } from './sources/pulled-sources.ts';

/** What is observed as it happens; all else is read at scrape. */
export interface WatcherMetrics {
  observeRequest(status: number, seconds: number): void;
  countUnauthorized(): void;
}

/** Declares what is observed. */
export function createMetrics(registry: Registry): WatcherMetrics {
  const requests = new Histogram({
    name: 'odometer_storage_request_duration_seconds',
    help: 'From the headers of a request to the public port to its answer, by class of the status; "gone" when the sender left first.',
    labelNames: ['status_class'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  let unauthorized = 0;
  integerCounter({
    name: 'odometer_storage_webhook_unauthorized_total',
    help: 'Notifications over HTTP whose token or signature was missing or wrong. Nothing of them is kept.',
    registry,
    read: () => unauthorized,
  });
  return {
    observeRequest(status, seconds) {
      const statusClass = status === 0 ? 'gone' : `${Math.floor(status / 100)}xx`;
      requests.observe({ status_class: statusClass }, seconds);
    },
    countUnauthorized() {
      unauthorized += 1;
    },
  };
}

export interface MetricSources {
  readonly counts: NotificationCounts;
  readonly books: IntakeBooks<string>;
  readonly intake: NotificationIntake;
  readonly backlog: Backlog<'objects'>;
  readonly sources: PulledSources;
}

/** Declares what is read at scrape. */
export function exposeSources(
  registry: Registry,
  { counts, books, intake, backlog, sources }: MetricSources,
): void {
  integerCounter({
    name: 'odometer_storage_notifications_received_total',
    help: 'Messages and requests that were taken up, by kind of the source; one that is delivered again counts again.',
    registry,
    labelNames: ['kind'],
    read: () => labelled('kind', counts.notifications),
  });
  integerCounter({
    name: 'odometer_storage_changes_accepted_total',
    help: 'Records of notifications that were put into a numbered batch as changes of objects.',
    registry,
    read: () => books.accepted,
  });
  integerCounter({
    name: 'odometer_storage_records_ignored_total',
    help: 'Records that change no bytes, such as tagging or a test event, by reason. They are no items and in no books.',
    registry,
    labelNames: ['reason'],
    read: () => labelled('reason', counts.ignored),
  });
  integerCounter({
    name: 'odometer_storage_records_refused_total',
    help: 'Records, or whole messages, that could not be read or not be believed, by reason. They are kept as dead letters.',
    registry,
    labelNames: ['reason'],
    read: () => labelled('reason', books.rejected),
  });
  integerCounter({
    name: 'odometer_storage_records_undeclared_total',
    help: 'Records of buckets that are not declared for the source they came from. They are dropped: such objects are never counted.',
    registry,
    read: () => counts.undeclared,
  });
  integerCounter({
    name: 'odometer_storage_messages_deleted_total',
    help: 'Messages of queues that were deleted because all that they say is durable.',
    registry,
    read: () => sources.sqsCounts.deleted,
  });
  integerCounter({
    name: 'odometer_storage_delete_failures_total',
    help: 'Messages of queues that could not be deleted though all that they say is durable. They come again, which changes nothing.',
    registry,
    read: () => sources.sqsCounts.deleteFailures,
  });
  integerCounter({
    name: 'odometer_storage_receive_errors_total',
    help: 'Attempts to read a queue that failed after all retries, by reason.',
    registry,
    labelNames: ['reason'],
    read: () => labelled('reason', sources.sqsCounts.receiveErrors),
  });
  integerCounter({
    name: 'odometer_storage_throttles_total',
    help: 'Attempts that SQS turned down as too many, those that a retry made good included.',
    registry,
    read: () => sources.throttles,
  });
  integerCounter({
    name: 'odometer_storage_broker_disconnects_total',
    help: 'Connections to brokers that were lost or refused.',
    registry,
    read: () => sources.brokerDisconnects,
  });
  new Gauge({
    name: 'odometer_storage_sources',
    help: 'Queues and topics that are being read, by kind.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const kind of ['sqs', 'mqtt'] as const) this.set({ kind }, sources.running(kind));
    },
  });
  new Gauge({
    name: 'odometer_storage_source_silent_seconds',
    help: 'Since the source that has been silent longest last answered, by kind: a queue with messages or none, a broker with a connection. Above a minute something is wrong with it.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const kind of ['sqs', 'mqtt'] as const) {
        this.set({ kind }, sources.longestSilenceMs(kind) / 1_000);
      }
    },
  });
  gauge(registry, {
    name: 'odometer_storage_unconfirmed_records',
    help: 'Records that storage has not confirmed. At the limit, notifications over HTTP are refused with 503.',
    read: () => intake.unconfirmedRecords,
  });
  gauge(registry, {
    name: 'odometer_storage_backlog_batches',
    help: 'Jobs that wait to be applied, as of the last look. At the limit, messages are left where they are.',
    read: () => backlog.batches,
  });
}

function labelled<Label extends string>(
  label: Label,
  counts: Readonly<Record<string, number>>,
): Iterable<LabelledCount<Label>> {
  return Object.entries(counts).map(
    ([value, count]) => [{ [label]: value } as Record<Label, string>, count] as const,
  );
}

function gauge(
  registry: Registry,
  options: { readonly name: string; readonly help: string; readonly read: () => number },
): void {
  new Gauge({
    name: options.name,
    help: options.help,
    registers: [registry],
    collect() {
      this.set(options.read());
    },
  });
}
