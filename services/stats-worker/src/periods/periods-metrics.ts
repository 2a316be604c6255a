import { gauge, integerCounter, labelled, type Registry } from '@odometer/service-kit/metrics';
import type { PeriodsReading } from './periods-reading.ts';

/** Declares the metrics of days and months. Every worker shows the same. */
export function createPeriodsMetrics(
  registry: Registry,
  reading: Pick<PeriodsReading, 'progress'>,
): void {
  gauge({
    name: 'odometer_periods_unfinished',
    help: 'Organizations’ months that have ended and are not final: draft (within grace, or to be closed with the next bell), closing, or held_up by a job, a dead letter or rows that do not add up; `odometer periods` says by what.',
    registry,
    labelNames: ['state'],
    read: () => labelled('state', reading.progress?.unfinished ?? {}),
  });
  gauge({
    name: 'odometer_periods_oldest_due_timestamp_seconds',
    help: 'When the grace of the month was over, or will be, that has been waiting longest to be final, Unix time. An hour ago: it should be final by now. Absent when none waits.',
    registry,
    read: () => {
      const dueAt = reading.progress?.oldestDueAt;
      return dueAt === undefined ? undefined : dueAt.getTime() / 1_000;
    },
  });
  gauge({
    name: 'odometer_snapshots_missing_days',
    help: 'Days that have ended without their snapshot. More than 1 for an hour: no bell is answered.',
    registry,
    read: () => reading.progress?.missingSnapshots,
  });
  gauge({
    name: 'odometer_changed_days',
    help: 'Days of projects whose hours have changed since they were last refreshed; until then they are read from their hours, which is slower. Falls to a few with every bell.',
    registry,
    read: () => reading.progress?.changedDays,
  });
  integerCounter({
    name: 'odometer_adjustments_total',
    help: 'Rows of usage that came for a closed month, billed in an open one.',
    registry,
    read: () => reading.progress?.adjustments,
  });
}
