import { reviseDeadItem } from '@odometer/database/applied-batches';
import { takeDeadLetter } from '@odometer/database/dead-letters';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { type BatchId, batchJobId } from '@odometer/domain/batch';
import { OdometerError } from '@odometer/domain/errors';
import type { DeadEvent } from '@odometer/queues/catalogue';
import { applyEvents } from './apply-events.ts';
import type { MeterCatalogue } from './meter-catalogue.ts';
import type { MonthPartitions } from './month-partitions.ts';
import type { UsageWriter } from './periods/usage-writer.ts';
import { isDataError } from './postgres-failures.ts';
import { prepareEvent } from './prepared-event.ts';
import type { RegistryCache } from './registry-cache.ts';

/** The job id under which one event of a batch is kept and tried again. */
export function deadEventJobId(id: BatchId & { readonly index: number }): string {
  return `${batchJobId(id)}.${id.index}`;
}

/**
 * Applies an event that was poison in its batch, once the reason is mended: takes its letter and counts it in one
 * transaction, so that it is counted once however often it is retried, and books it on its own batch.
 *
 * @throws OdometerError `event_still_poison`: the letter stays.
 */
export async function retryDeadEvent(
  parts: {
    readonly pool: Pool;
    readonly catalogue: MeterCatalogue;
    readonly registry: RegistryCache;
    readonly partitions: MonthPartitions;
    readonly usage: UsageWriter;
  },
  dead: DeadEvent,
): Promise<void> {
  const { pool, catalogue, registry, partitions, usage } = parts;
  try {
    const prepared = prepareEvent(dead.event, undefined);
    await partitions.ensure(pool, [prepared.monthMs]);
    const applied = await inTransaction(pool, async (transaction) => {
      const periods = await usage.begin(transaction, [prepared.monthMs]);
      const current = await catalogue.forTransaction(transaction);
      if (!(await takeDeadLetter(transaction, 'events', deadEventJobId(dead)))) return undefined;
      const result = await applyEvents(transaction, [prepared], current, registry, periods);
      const [outcome] = result.outcomes;
      if (outcome !== undefined && outcome !== 'dead') {
        await reviseDeadItem(transaction, dead, outcome);
      }
      return result;
    });
    applied?.onCommit();
  } catch (error) {
    if (!isDataError(error) || !(error instanceof Error)) throw error;
    throw new OdometerError('event_still_poison', { reason: error.message }, { cause: error });
  }
}
