import { integerCounter } from '@odometer/service-kit/metrics';
import { Gauge, type Registry } from 'prom-client';
import type { BellKeeper } from './bell-keeper.ts';

/** Where the metrics get their figures from. */
export interface MetricSources {
  readonly keeper: Pick<BellKeeper, 'isOwner' | 'bellsHung' | 'counts'>;
  /** When each bell was last answered with success, milliseconds since the epoch. */
  readonly lastSuccess: () => Iterable<readonly [schedule: string, atMs: number]>;
}

/** Declares every metric of the scheduler. */
export function createMetrics(registry: Registry, { keeper, lastSuccess }: MetricSources): void {
  new Gauge({
    name: 'odometer_scheduler_owner',
    help: '1 while this scheduler is the one that keeps the bells, else 0. The sum over all replicas should be 1.',
    registers: [registry],
    collect() {
      this.set(keeper.isOwner ? 1 : 0);
    },
  });
  const bells = new Gauge({
    name: 'odometer_scheduler_bells',
    help: 'Bells that the owner found, or put, in Redis when it last looked. Absent from a standby, and when Redis did not answer.',
    labelNames: [],
    registers: [registry],
    collect() {
      bells.remove();
      if (keeper.bellsHung !== undefined) bells.set(keeper.bellsHung);
    },
  });
  integerCounter({
    name: 'odometer_scheduler_bell_changes_total',
    help: 'Bells put into Redis (new, changed, or lost with its data) and removed from it. Rises at an upgrade that changes them; else somebody deletes them, or Redis forgets.',
    registry,
    labelNames: ['change'],
    read: () => [
      [{ change: 'put' }, keeper.counts.put],
      [{ change: 'removed' }, keeper.counts.removed],
    ],
  });
  integerCounter({
    name: 'odometer_scheduler_errors_total',
    help: 'Looks at the bells that failed, by what failed: postgres (the lock), redis.',
    registry,
    labelNames: ['part'],
    read: () => [
      [{ part: 'postgres' }, keeper.counts.errors.postgres],
      [{ part: 'redis' }, keeper.counts.errors.redis],
    ],
  });
  new Gauge({
    name: 'odometer_scheduler_last_success_timestamp_seconds',
    help: 'When a worker last did with success all that was due at this bell, as noted in Postgres. Absent until it did. Every scheduler shows the same.',
    labelNames: ['schedule'],
    registers: [registry],
    collect() {
      for (const [schedule, atMs] of lastSuccess()) this.set({ schedule }, atMs / 1_000);
    },
  });
}
