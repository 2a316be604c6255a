import { gauge, integerCounter } from '@odometer/service-kit/metrics';
import type { Registry } from 'prom-client';
import type { PullCounts } from './pull-counts.ts';
import type { PulledLogReading } from './pulled-log-reading.ts';

/** Of what this worker reads of pulled logs, and of how far all of them are read. */
export function createPulledLogMetrics(
  registry: Registry,
  counts: PullCounts,
  reading: Pick<PulledLogReading, 'readUntil' | 'failing'>,
): void {
  integerCounter({
    name: 'odometer_pulled_log_pages_total',
    help: 'Pages of pulled logs whose events are in the queue and past which the checkpoint was moved.',
    registry,
    read: () => counts.pages,
  });
  integerCounter({
    name: 'odometer_pulled_log_items_total',
    help: 'Items of these pages, those included that no webhook asks for.',
    registry,
    read: () => counts.items,
  });
  integerCounter({
    name: 'odometer_pulled_log_events_total',
    help: 'Events made of these items. Those that a webhook has delivered are duplicates in the books: few others are events that it missed.',
    registry,
    read: () => counts.events,
  });
  integerCounter({
    name: 'odometer_pulled_log_refused_items_total',
    help: 'Items that should have become events and could not: a project that is not listed, a time that is too old. Anything but 0 is usage that may be missing.',
    registry,
    read: () => counts.refused,
  });
  integerCounter({
    name: 'odometer_pulled_log_failures_total',
    help: 'Readings of pulled logs that failed and are tried again with the next bell: no answer, no access, a page that is none.',
    registry,
    read: () => counts.failures,
  });
  integerCounter({
    name: 'odometer_pulled_log_throttled_total',
    help: 'Readings that stopped because the log wants to be asked less often; they go on when it said.',
    registry,
    read: () => counts.throttled,
  });
  integerCounter({
    name: 'odometer_pulled_log_gaps_total',
    help: 'Times a log was read too late: it did not know the checkpoint any more, or keeps items for less long than nobody came. Anything but 0 is usage that is missing, unless a webhook delivered it; `odometer gaps` says from when to when.',
    registry,
    read: () => counts.lostCheckpoints,
  });
  gauge({
    name: 'odometer_pulled_log_read_until_timestamp_seconds',
    help: 'When a pulled log was read to its end last, by name, Unix time; its declaration before the first time. Absent while it is paused. Every worker shows the same.',
    labelNames: ['name'],
    registry,
    read: () => reading.readUntil(),
  });
  gauge({
    name: 'odometer_pulled_log_failing_readings',
    help: 'Readings of a pulled log in a row that failed, by name; 0 when the last one took a page. Every worker shows the same.',
    labelNames: ['name'],
    registry,
    read: () => reading.failing(),
  });
}
