import { integerCounter } from '@odometer/service-kit/metrics';
import { Gauge, type Registry } from 'prom-client';
import type { PeriodsReading } from './periods-reading.ts';

/** Declares the metrics of days and months. Every worker shows the same. */
export function createPeriodsMetrics(
  registry: Registry,
  reading: Pick<PeriodsReading, 'progress'>,
): void {
  new Gauge({
    name: 'odometer_periods_unfinished',
    help: 'Organizations’ months that have ended and are not final: draft (within grace, or to be closed with the next bell), closing, or held_up by a job, a dead letter or rows that do not add up; `odometer periods` says by what.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [state, periods] of Object.entries(reading.progress?.unfinished ?? {})) {
        this.set({ state }, periods);
      }
    },
  });
  const gauge = (name: string, help: string, read: () => number | undefined) => {
    const metric: Gauge = new Gauge({
      name,
      help,
      labelNames: [],
      registers: [registry],
      collect() {
        metric.remove();
        const value = read();
        if (value !== undefined) metric.set(value);
      },
    });
  };
  gauge(
    'odometer_snapshots_missing_days',
    'Days that have ended without their snapshot. More than 1 for an hour: no bell is answered.',
    () => reading.progress?.missingSnapshots,
  );
  gauge(
    'odometer_changed_days',
    'Days of projects whose hours have changed since they were last refreshed; until then they are read from their hours, which is slower. Falls to a few with every bell.',
    () => reading.progress?.changedDays,
  );
  integerCounter({
    name: 'odometer_adjustments_total',
    help: 'Rows of usage that came for a closed month, billed in an open one.',
    registry,
    read: () => reading.progress?.adjustments ?? 0,
  });
}
