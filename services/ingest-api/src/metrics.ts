import type { Backlog } from '@odometer/intake/backlog';
import { type IngestBooks, REFUSAL_CODES } from '@odometer/intake/refusal';
import { gauge, integerCounter, type Registry } from '@odometer/service-kit/metrics';
import { Histogram } from 'prom-client';
import type { EventBatcher } from './event-batcher.ts';

const ROUTES = ['post_events', 'get_events', 'webhook', 'other'] as const;
export type Route = (typeof ROUTES)[number];

/** Those that the service answers with; there from the start, for a series that begins with 1 shows no rise. */
const STATUS_CLASSES = ['2xx', '4xx', '5xx', 'gone'] as const;

/** What is observed as it happens; all else is read at scrape from {@link MetricSources}. */
export interface IngestMetrics {
  observeRequest(route: Route, status: number, seconds: number): void;
  observeBatch(events: number, durableAfterSeconds: number): void;
}

/** Declares what is observed. */
export function createMetrics(registry: Registry): IngestMetrics {
  const requests = new Histogram({
    name: 'odometer_ingest_request_duration_seconds',
    help: 'From the headers of a request to its answer, by route (post_events, get_events, webhook, other) and class of the status (2xx, 4xx, 5xx); "gone" when the client left first.',
    labelNames: ['route', 'status_class'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  for (const route of ROUTES) {
    for (const status_class of STATUS_CLASSES) requests.zero({ route, status_class });
  }
  const batchEvents = new Histogram({
    name: 'odometer_ingest_batch_events',
    help: 'Events of a batch that became durable. Small ones under load mean that grouping does not work.',
    buckets: [1, 3, 10, 30, 100, 300, 1_000],
    registers: [registry],
  });
  const batchDurable = new Histogram({
    name: 'odometer_ingest_batch_durable_seconds',
    help: "From a batch's first event to storage having confirmed it.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [registry],
  });
  return {
    observeRequest(route, status, seconds) {
      const statusClass = status === 0 ? 'gone' : `${Math.floor(status / 100)}xx`;
      requests.observe({ route, status_class: statusClass }, seconds);
    },
    observeBatch(events, durableAfterSeconds) {
      batchEvents.observe(events);
      batchDurable.observe(durableAfterSeconds);
    },
  };
}

export interface MetricSources {
  readonly books: IngestBooks;
  readonly batcher: EventBatcher;
  readonly backlog: Backlog<'events'>;
  /** Records of webhooks that are of no interest by declaration. */
  readonly ignoredRecords: () => number;
}

/** Declares what is read at scrape. */
export function exposeSources(
  registry: Registry,
  { books, batcher, backlog, ignoredRecords }: MetricSources,
): void {
  integerCounter({
    name: 'odometer_ingest_events_received_total',
    help: 'Items of requests that passed authentication; a body that could not be read is one. Equals accepted + rejected + filling.',
    registry,
    read: () => books.received,
  });
  integerCounter({
    name: 'odometer_ingest_events_accepted_total',
    help: 'Events put into a numbered batch.',
    registry,
    read: () => books.accepted,
  });
  integerCounter({
    name: 'odometer_ingest_events_rejected_total',
    help: 'Items that were refused, by reason.',
    registry,
    labelNames: ['reason'],
    read: () => REFUSAL_CODES.map((reason) => [{ reason }, books.rejected[reason]] as const),
  });
  integerCounter({
    name: 'odometer_ingest_webhook_records_ignored_total',
    help: 'Records of webhooks that their declaration does not ask for, such as failed logins. They are no items and in no books.',
    registry,
    read: ignoredRecords,
  });
  gauge({
    registry,
    name: 'odometer_ingest_events_filling',
    help: 'Events that are taken and not in a numbered batch yet.',
    read: () => batcher.fillingEvents,
  });
  gauge({
    registry,
    name: 'odometer_ingest_unconfirmed_batches',
    help: 'Batches that storage has not confirmed. At the limit, events are refused with 503.',
    read: () => batcher.unconfirmedBatches,
  });
  gauge({
    registry,
    name: 'odometer_ingest_backlog_batches',
    help: 'Batches that wait to be applied, as of the last look. At the limit, events are refused with 503.',
    read: () => backlog.batches,
  });
}
