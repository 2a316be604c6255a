import type { QueueReading } from '@odometer/queues/queue-metrics';
import { gauge, integerCounter } from '@odometer/service-kit/metrics';
import { exposeQueues } from '@odometer/service-kit/queue-gauges';
import type { Registry } from 'prom-client';
import type { BellKeeper } from './bell-keeper.ts';
import { BELLS } from './bells.ts';
import type { SystemReading } from './system-reading.ts';

/** Where the metrics get their figures from. */
export interface MetricSources {
  readonly keeper: Pick<BellKeeper, 'isOwner' | 'bellsHung' | 'counts'>;
  readonly system: Pick<SystemReading, 'noted' | 'redis'>;
  readonly readQueues: () => Promise<readonly QueueReading[]>;
}

/** Declares every metric of the scheduler. */
export function createMetrics(
  registry: Registry,
  { keeper, system, readQueues }: MetricSources,
): void {
  gauge({
    name: 'odometer_scheduler_owner',
    help: '1 while this scheduler is the one that keeps the bells, else 0. The sum over all replicas should be 1.',
    registry,
    read: () => (keeper.isOwner ? 1 : 0),
  });
  gauge({
    name: 'odometer_scheduler_bells',
    help: 'Bells that the owner found, or put, in Redis when it last looked. Absent from a standby, and when Redis did not answer.',
    registry,
    read: () => keeper.bellsHung,
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
  gauge({
    name: 'odometer_scheduler_interval_seconds',
    help: 'The longest time from one ringing of this bell to the next: hourly, measure, daily, monthly.',
    registry,
    labelNames: ['schedule'],
    read: () => BELLS.map(({ id, longestMs }) => [{ schedule: id }, longestMs / 1_000] as const),
  });
  gauge({
    name: 'odometer_scheduler_last_success_timestamp_seconds',
    help: 'When a worker last did with success all that was due at this bell, as noted in Postgres. Absent until it did. Every scheduler shows the same.',
    registry,
    labelNames: ['schedule'],
    read: () =>
      // Others than bells are noted there too: what workers do at their start, or are asked to do.
      BELLS.flatMap(({ id }) => {
        const atMs = system.noted?.lastSuccess.get(id);
        return atMs === undefined ? [] : [[{ schedule: id }, atMs / 1_000] as const];
      }),
  });
  exposeQueues(registry, readQueues);
  exposeUnsettled(registry, system);
  exposeRedis(registry, system);
}

function exposeUnsettled(registry: Registry, system: Pick<SystemReading, 'noted'>): void {
  gauge({
    name: 'odometer_dead_letters',
    help: 'Jobs and events that failed for good, by queue, and that nobody has retried since. Their usage is kept, and counted in nothing.',
    registry,
    labelNames: ['queue'],
    read: () => system.noted?.letters.map(({ queue, letters }) => [{ queue }, letters]),
  });
  gauge({
    name: 'odometer_dead_letter_oldest_timestamp_seconds',
    help: 'When the oldest of them failed, Unix time. Absent when there is none.',
    registry,
    labelNames: ['queue'],
    read: () =>
      system.noted?.letters.map(({ queue, oldestFailedAt }) => [
        { queue },
        oldestFailedAt.getTime() / 1_000,
      ]),
  });
  gauge({
    name: 'odometer_dead_letter_newest_timestamp_seconds',
    help: 'When the newest of them failed, Unix time. Absent when there is none.',
    registry,
    labelNames: ['queue'],
    read: () =>
      system.noted?.letters.map(({ queue, newestFailedAt }) => [
        { queue },
        newestFailedAt.getTime() / 1_000,
      ]),
  });
  gauge({
    name: 'odometer_gap_recorded_timestamp_seconds',
    help: 'When something was last found to be missing, or perhaps missing, by reason, Unix time: session_lost, mark_missing, broker_restarted, batch_lost, checkpoint_lost. Absent until it was. `odometer gaps` lists them.',
    registry,
    labelNames: ['reason'],
    read: () =>
      system.noted?.gaps.map(({ reason, recordedAt }) => [
        { reason },
        recordedAt.getTime() / 1_000,
      ]),
  });
}

function exposeRedis(registry: Registry, system: Pick<SystemReading, 'redis'>): void {
  gauge({
    name: 'odometer_redis_reachable',
    help: '1 while Redis answers the scheduler, else 0.',
    registry,
    read: () => (system.redis === undefined ? 0 : 1),
  });
  gauge({
    name: 'odometer_redis_memory_used_bytes',
    help: 'Memory that Redis uses. At 90 % of its limit intake stops: events are refused with 503, and no PUBACK is sent.',
    registry,
    read: () => system.redis?.memoryUsedBytes,
  });
  gauge({
    name: 'odometer_redis_memory_limit_bytes',
    help: 'Memory that Redis may use (maxmemory). Absent when it has no limit, or does not say.',
    registry,
    read: () => system.redis?.memoryLimitBytes,
  });
  gauge({
    name: 'odometer_redis_evicted_keys',
    help: 'Keys that Redis has deleted since its start to make room. Anything but 0 may be usage that was acknowledged and is gone.',
    registry,
    read: () => system.redis?.evictedKeys,
  });
  gauge({
    name: 'odometer_redis_appending',
    help: '1 while Redis writes its append-only file and the last write and rewrite of it went well, else 0. Managed services may say 0, and keep what they were given all the same.',
    registry,
    read: () => (system.redis === undefined ? undefined : system.redis.isAppending ? 1 : 0),
  });
}
