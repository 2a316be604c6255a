import type { Transaction } from '@odometer/database/pool';
import { addUnattributedUsage } from '@odometer/database/unattributed-usage';
import type { BatchId, BatchOutcome } from '@odometer/domain/batch';
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
 * belongs to names that nobody has registered.
 */
export async function applyMessages(
  transaction: Transaction,
  batches: readonly CountedBatch[],
  resolution: Resolution,
  periods: PeriodUsage,
): Promise<AppliedMessages> {
  const devices = new DeviceActivity(resolution);
  const sums = sumMessages(batches, resolution, devices);
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
