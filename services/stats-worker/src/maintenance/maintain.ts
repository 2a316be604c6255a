import { forgetReservations } from '@odometer/database/limits/reservations';
import { compactBatches } from '@odometer/database/maintenance/compact-batches';
import {
  emptyForgottenMonths,
  moveEventRetention,
} from '@odometer/database/maintenance/event-retention';
import { forgetEventKeys } from '@odometer/database/maintenance/forget-event-keys';
import {
  forgetCorrections,
  forgetMeasurements,
} from '@odometer/database/maintenance/forget-measurements';
import {
  forgetPosthocRuns,
  forgetPosthocTests,
} from '@odometer/database/maintenance/forget-posthoc';
import { forgetTombstones } from '@odometer/database/objects/forget-tombstones';
import type { Pool } from '@odometer/database/pool';
import { forgetManifests } from '@odometer/database/registries/manifests';
import { EVENT_KEY_DAYS } from '@odometer/domain/event-envelope';
import { toTimestamp } from '@odometer/domain/period';
import { POSTHOC_RUN_DAYS } from '@odometer/domain/posthoc/run-retention';
import { abortAfter } from '../abort-after.ts';
import type { MonthPartitions } from '../month-partitions.ts';

/** Batches are folded once nobody looks at them one by one: the books call a hole lost after a minute. */
const COMPACT_AFTER_MS = 3_600_000;

/** A reservation that has ended answers who asks again with its id, and who wonders what became of it, for a month. */
const RESERVATION_DAYS = 31;
/** Longer than the 14 days that a queue of notifications keeps one, and the 14 of the queue of its dead letters. */
const TOMBSTONE_DAYS = 30;
/** What a listing has put right explains a bill for as long as it may be disputed: a year, and a month to notice. */
const CORRECTION_DAYS = 400;
/** Of each target some two thousand: a quarter of hourly ones. */
const MEASUREMENT_DAYS = 90;
/** Whoever wanted to see an answer has seen it. */
const POSTHOC_TEST_DAYS = 3;
const DAY_MS = 86_400_000;

/** Half of a job's deadline. What is left is for the next hour, and a long step begins where this one stopped. */
const TIME_MS = 300_000;

export interface MaintenanceParts {
  readonly pool: Pool;
  readonly partitions: MonthPartitions;
  /** Whole months of raw events that are kept besides the current one; undefined: all. */
  readonly eventRetentionMonths: number | undefined;
  readonly log: { info(fields: object): void };
}

/**
 * Keeps the tables ready and small: partitions ahead, applied batches folded, old claims of event keys, ended
 * reservations, tombstones of objects, manifests that no registry has, old measurements, what they have corrected, old runs of post-hoc metrics and, when
 * that is wanted, old events forgotten. Each step may be repeated, at any time and by several at once; it goes on where it
 * stopped when it is cut short. One that fails holds up none of the others.
 *
 * @throws the failure of a step, or an AggregateError, after all others are done.
 */
export async function maintain(
  parts: MaintenanceParts,
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { pool, partitions, eventRetentionMonths, log } = parts;
  const inTime = abortAfter(TIME_MS, signal);
  const failures: unknown[] = [];
  const step = async (work: () => Promise<object>): Promise<object> => {
    if (inTime.aborted) return {};
    try {
      return await work();
    } catch (error) {
      failures.push(error);
      return {};
    }
  };
  const done = [
    await step(async () => {
      await partitions.makeAhead(pool, nowMs);
      return {};
    }),
    await step(async () => ({
      batchesFolded: await compactBatches(pool, COMPACT_AFTER_MS, inTime),
    })),
    await step(async () => ({
      eventKeysForgotten: await forgetEventKeys(
        pool,
        toTimestamp(nowMs - EVENT_KEY_DAYS * DAY_MS).slice(0, 10),
        inTime,
      ),
    })),
    await step(async () => ({
      reservationsForgotten: await forgetReservations(
        pool,
        nowMs - RESERVATION_DAYS * DAY_MS,
        inTime,
      ),
    })),
    await step(async () => ({
      tombstonesForgotten: await forgetTombstones(pool, nowMs, TOMBSTONE_DAYS * DAY_MS, inTime),
    })),
    await step(async () => ({ manifestsForgotten: await forgetManifests(pool, inTime) })),
    await step(async () => ({
      correctionsForgotten: await forgetCorrections(pool, nowMs - CORRECTION_DAYS * DAY_MS, inTime),
    })),
    await step(async () => ({
      measurementsForgotten: await forgetMeasurements(
        pool,
        nowMs - MEASUREMENT_DAYS * DAY_MS,
        inTime,
      ),
    })),
    await step(async () => ({
      posthocRunsForgotten: await forgetPosthocRuns(
        pool,
        nowMs - POSTHOC_RUN_DAYS * DAY_MS,
        inTime,
      ),
    })),
    await step(async () => ({
      posthocTestsForgotten: await forgetPosthocTests(pool, nowMs - POSTHOC_TEST_DAYS * DAY_MS),
    })),
    await step(async () => {
      if (eventRetentionMonths !== undefined) {
        await moveEventRetention(pool, eventRetentionMonths, nowMs);
      }
      // Whatever the setting says now: what was marked is refused, and need not be kept.
      const months = await emptyForgottenMonths(pool, inTime);
      return { eventMonthsEmptied: months.map((monthMs) => toTimestamp(monthMs).slice(0, 7)) };
    }),
  ];
  log.info({ event: 'maintained', ...Object.assign({}, ...done), failures: failures.length });
  if (failures.length > 1) {
    throw new AggregateError(failures, `${failures.length} steps of maintenance failed`);
  }
  if (failures.length === 1) throw failures[0];
}
