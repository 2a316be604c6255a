import type { Backlog } from '@odometer/intake/backlog';
import type { IntakeBooks } from '@odometer/intake/intake-books';
import { gauge, integerCounter, labelled, type Registry } from '@odometer/service-kit/metrics';
import { Histogram } from 'prom-client';
import type { NotificationCounts } from './intake/notification-counts.ts';
import type { NotificationIntake } from './intake/notification-intake.ts';
import type { PulledSources } from './sources/pulled-sources.ts';

/** Those that the service answers with; there from the start, for a series that begins with 1 shows no rise. */
const STATUS_CLASSES = ['2xx', '4xx', '5xx', 'gone'] as const;

/** What is observed as it happens; all else is read at scrape. */
export interface WatcherMetrics {
  observeRequest(status: number, seconds: number): void;
  countUnauthorized(): void;
}

/** Declares what is observed. */
export function createMetrics(registry: Registry): WatcherMetrics {
  const requests = new Histogram({
    name: 'odometer_storage_request_duration_seconds',
    help: 'From the headers of a request to the public port to its answer, by class of the status (2xx, 4xx, 5xx); "gone" when the sender left first.',
    labelNames: ['status_class'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  for (const status_class of STATUS_CLASSES) requests.zero({ status_class });
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

const SOURCE_KINDS = ['sqs', 'mqtt'] as const;

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
    name: 'odometer_storage_message_failures_total',
    help: 'Messages of queues that could not be made durable. They are left in their queue, and come again.',
    registry,
    read: () => sources.sqsCounts.failed,
  });
  integerCounter({
    name: 'odometer_storage_extend_failures_total',
    help: 'Times that a message under way could not be kept hidden. It may be handed out again meanwhile, which changes nothing but what it costs.',
    registry,
    read: () => sources.sqsCounts.extendFailures,
  });
  integerCounter({
    name: 'odometer_aws_throttled_requests_total',
    help: 'Attempts at AWS APIs that were answered with throttling, also those that a retry made good, by API and by account: as declared, that of the declared role, or own.',
    registry,
    labelNames: ['api', 'account'],
    read: () => sources.throttledRequests,
  });
  integerCounter({
    name: 'odometer_storage_broker_disconnects_total',
    help: 'Connections to brokers that were lost or refused.',
    registry,
    read: () => sources.brokerDisconnects,
  });
  gauge({
    name: 'odometer_storage_sources',
    help: 'Queues and topics that are being read, by kind.',
    registry,
    labelNames: ['kind'],
    read: () => SOURCE_KINDS.map((kind) => [{ kind }, sources.running(kind)] as const),
  });
  gauge({
    name: 'odometer_storage_source_silent_seconds',
    help: 'Since the source that has been silent longest last answered, by kind (sqs, mqtt): a queue with messages or none, a broker with a connection. Above a minute something is wrong with it.',
    registry,
    labelNames: ['kind'],
    read: () =>
      SOURCE_KINDS.map((kind) => [{ kind }, sources.longestSilenceMs(kind) / 1_000] as const),
  });
  gauge({
    registry,
    name: 'odometer_storage_unconfirmed_records',
    help: 'Records that storage has not confirmed. At the limit, notifications over HTTP are refused with 503.',
    read: () => intake.unconfirmedRecords,
  });
  gauge({
    registry,
    name: 'odometer_storage_backlog_batches',
    help: 'Jobs that wait to be applied, as of the last look. At the limit, messages are left where they are.',
    read: () => backlog.batches,
  });
}
