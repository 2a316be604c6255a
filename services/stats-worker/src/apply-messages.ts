import type { Transaction } from '@odometer/database/pool';
import { addUnattributedUsage } from '@odometer/database/unattributed-usage';
import type { BatchId, BatchOutcome } from '@odometer/domain/batch';
import { hourStart } from '@odometer/domain/period';
import { DeviceActivity } from './device-activity.ts';
import type { PeriodUsage } from './periods/usage-writer.ts';
import type { Resolution } from './registry-cache.ts';
import { type CountedBatch, sumMessages } from './sum-messages.ts';

export interface AppliedMessages {
  /** Of those batches whose messages were not all counted. */
  readonly outcomes: readonly (BatchId & BatchOutcome)[];
  /** Remembers what is stored now; call it after the commit, never before. */
  readonly onCommit: () => void;
}

/**
 * Writes the usage of counted messages inside the transaction that claimed their batches: hours and months, devices, and what
 * belongs to names that nobody has registered. What was counted has come: an hour that is ahead of Postgres' clock is one of a
 * counter whose clock is, and its messages count in the hour that goes on, and in no day or month that has not begun.
 */
export async function applyMessages(
  transaction: Transaction,
  batches: readonly CountedBatch[],
  resolution: Resolution,
  periods: PeriodUsage,
): Promise<AppliedMessages> {
  const devices = new DeviceActivity(resolution);
  const sums = sumMessages(
    batches.map((batch) => notAhead(batch, periods.nowMs)),
    resolution,
    devices,
  );
  const remember = await periods.addMessages(sums.usage);
  await devices.write(transaction);
  await addUnattributedUsage(transaction, sums.unattributed);
  return {
    outcomes: sums.outcomes,
    onCommit: () => {
      resolution.publish();
      devices.remember();
      remember();
    },
  };
}

function notAhead(batch: CountedBatch, nowMs: number): CountedBatch {
  const runningMs = hourStart(nowMs);
  if (batch.frozenAtMs <= nowMs && batch.hours.every(({ hourMs }) => hourMs <= runningMs))
    return batch;
  return {
    ...batch,
    frozenAtMs: Math.min(batch.frozenAtMs, nowMs),
    hours: batch.hours.map((hour) => ({ ...hour, hourMs: Math.min(hour.hourMs, runningMs) })),
  };
}
