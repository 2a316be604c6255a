import { claimKey } from '@odometer/database/applied-batches';
import type { BatchId } from '@odometer/domain/batch';

/**
 * Each batch once, the first copy of it. A job whose lock was lost (Redis was away, the process slept) is taken up again,
 * perhaps by the same process while its first run still waits for a transaction: then both are in one group, where the
 * claim of the batch succeeds for both.
 */
export function distinctBatches<Batch extends BatchId>(
  batches: readonly Batch[],
): readonly Batch[] {
  const distinct = new Map<string, Batch>();
  for (const batch of batches) {
    const key = claimKey(batch.epoch, batch.seq);
    if (!distinct.has(key)) distinct.set(key, batch);
  }
  return [...distinct.values()];
}
