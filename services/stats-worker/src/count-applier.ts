import {
  claimBatches,
  claimKey,
  lockEpochs,
  recordOutcomes,
  storeMarks,
} from '@odometer/database/applied-batches';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { monthStart } from '@odometer/domain/period';
import type { CountBatch } from '@odometer/queues/catalogue';
import { applyMessages } from './apply-messages.ts';
import { distinctBatches } from './distinct-batches.ts';
import type { ApplyCounts } from './metrics.ts';
import type { MonthPartitions } from './month-partitions.ts';
import type { PeriodUsage, UsageWriter } from './periods/usage-writer.ts';
import type { RegistryCache } from './registry-cache.ts';
import { retryConflicts } from './retry-conflicts.ts';

export interface CountApplierParts {
  readonly pool: Pool;
  readonly registry: RegistryCache;
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
  readonly counts: ApplyCounts;
}

/**
 * Applies flushes of MQTT counters: claims each, adds them up, and writes each project's hour and month once for the
 * whole group. The epoch's row is locked first, because a seal and a late flush of the counter it fences may arrive at
 * the same time; the mark is stored in the transaction that counts the messages up to it.
 */
export class CountApplier {
  readonly #parts: CountApplierParts;

  constructor(parts: CountApplierParts) {
    this.#parts = parts;
  }

  /** Applies the flushes in one transaction. When it throws, none of them is applied. */
  async apply(batches: readonly CountBatch[]): Promise<void> {
    await retryConflicts(
      () => this.#applyOnce(batches),
      () => {
        this.#parts.counts.conflictRetries += 1;
      },
    );
  }

  async #applyOnce(group: readonly CountBatch[]): Promise<void> {
    const { pool, registry, partitions, usage, counts } = this.#parts;
    const batches = distinctBatches(group);
    const months = new Set(
      batches.flatMap(({ hours }) => hours.map(({ hourMs }) => monthStart(hourMs))),
    );
    await partitions.ensure(pool, months);

    const committed = await inTransaction(pool, async (transaction) => {
      const periods = await usage.begin(transaction, months);
      const sealed = await lockEpochs(
        transaction,
        batches.map(({ epoch }) => epoch),
      );
      const unfenced = batches.filter(
        ({ epoch, seq }) => seq <= (sealed.get(epoch) ?? Number.POSITIVE_INFINITY),
      );
      const claimed = await claimBatches(
        transaction,
        unfenced.map((batch) => ({ ...batch, items: batch.messages })),
      );
      const ours = unfenced.filter(({ epoch, seq }) => claimed.has(claimKey(epoch, seq)));
      await storeMarks(transaction, highestPerEpoch(ours));
      const counted = await this.#count(transaction, ours, registry, periods);
      return { ours, ...counted, fenced: batches.length - unfenced.length };
    });

    committed.onCommit();
    const { ours, fenced, unattributed } = committed;
    counts.addMessages(ours, unattributed, group.length - ours.length - fenced, fenced);
  }

  async #count(
    transaction: Transaction,
    batches: readonly CountBatch[],
    registry: RegistryCache,
    periods: PeriodUsage,
  ): Promise<{ readonly unattributed: number; readonly onCommit: () => void }> {
    const owners = batches.flatMap(({ hours }) =>
      hours.flatMap(({ counts }) =>
        counts.map(([organization, project, device]) => ({ organization, project, device })),
      ),
    );
    const resolution = await registry.resolve(transaction, owners);
    const { outcomes, onCommit } = await applyMessages(transaction, batches, resolution, periods);
    await recordOutcomes(transaction, outcomes);
    return {
      unattributed: outcomes.reduce((sum, { unattributed }) => sum + unattributed, 0),
      onCommit,
    };
  }
}

function highestPerEpoch(batches: readonly CountBatch[]): readonly CountBatch[] {
  const highest = new Map<string, CountBatch>();
  for (const batch of batches) {
    if ((highest.get(batch.epoch)?.seq ?? 0) < batch.seq) highest.set(batch.epoch, batch);
  }
  return [...highest.values()];
}
