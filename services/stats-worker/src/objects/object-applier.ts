import { claimBatches, claimKey, recordOutcomes } from '@odometer/database/applied-batches';
import { inTransaction, type Pool } from '@odometer/database/pool';
import type { ObjectBatch } from '@odometer/queues/catalogue';
import { distinctBatches } from '../distinct-batches.ts';
import { sumOutcomes } from '../event-outcome.ts';
import type { ApplyCounts } from '../metrics.ts';
import type { RegistryCache } from '../registry-cache.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import { applyChanges } from './apply-changes.ts';
import type { BucketCatalogue } from './bucket-catalogue.ts';

export interface ObjectParts {
  readonly pool: Pool;
  readonly buckets: BucketCatalogue;
  readonly registry: RegistryCache;
  readonly counts: ApplyCounts;
}

/**
 * Applies batches of changes of objects, each claimed and applied in one transaction, in the lock order catalogue → batch
 * claim → registry → storage. A batch that was applied before contributes nothing; a change that was, changes nothing.
 */
export class ObjectApplier {
  readonly #parts: ObjectParts;

  constructor(parts: ObjectParts) {
    this.#parts = parts;
  }

  /** Applies the batches in one transaction. When it throws, none of them is applied. */
  async apply(batches: readonly ObjectBatch[]): Promise<void> {
    await retryConflicts(
      () => this.#applyOnce(batches),
      () => {
        this.#parts.counts.conflictRetries += 1;
      },
    );
  }

  async #applyOnce(group: readonly ObjectBatch[]): Promise<void> {
    const { pool, buckets, registry, counts } = this.#parts;
    const batches = distinctBatches(group);
    const { sums, onCommit } = await inTransaction(pool, async (transaction) => {
      const declared = await buckets.forTransaction(transaction);
      const claimed = await claimBatches(
        transaction,
        batches.map((batch) => ({ ...batch, items: batch.changes.length })),
      );
      const ours = batches.filter(({ epoch, seq }) => claimed.has(claimKey(epoch, seq)));
      const changes = ours.flatMap((batch) => batch.changes);
      const { outcomes, onCommit } = await applyChanges(transaction, changes, declared, registry);
      let from = 0;
      const sums = ours.map(({ source, epoch, seq, changes: { length } }) => {
        const ofBatch = outcomes.slice(from, from + length);
        from += length;
        return { source, epoch, seq, items: length, ...sumOutcomes(ofBatch) };
      });
      // A claim starts as "all counted".
      await recordOutcomes(
        transaction,
        sums.filter(({ items, counted }) => items !== counted),
      );
      return { sums, onCommit };
    });
    onCommit();
    counts.addOutcomes(sums, group.length - sums.length);
  }
}
