import { claimBatches, claimKey, recordOutcomes } from '@odometer/database/applied-batches';
import { storeDeadLetter } from '@odometer/database/dead-letters';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import type { EventBatch } from '@odometer/queues/catalogue';
import { applyEvents } from './apply-events.ts';
import { distinctBatches } from './distinct-batches.ts';
import { type Outcome, sumOutcomes } from './event-outcome.ts';
import { isolatePoison } from './isolate-poison.ts';
import type { MeterCatalogue } from './meter-catalogue.ts';
import type { ApplyCounts } from './metrics.ts';
import type { MonthPartitions } from './month-partitions.ts';
import type { UsageWriter } from './periods/usage-writer.ts';
import { isDataError } from './postgres-failures.ts';
import { type PreparedEvent, prepareEvent } from './prepared-event.ts';
import type { RegistryCache } from './registry-cache.ts';
import { retryConflicts } from './retry-conflicts.ts';
import { deadEventJobId } from './retry-dead-event.ts';

/** Where an event came from, so that what became of it is booked on its own batch. */
interface Place {
  readonly batch: EventBatch;
  readonly index: number;
}

type PlacedEvent = PreparedEvent<Place>;

interface Poison {
  readonly place: Place;
  readonly error: Error;
}

export interface EventApplierParts {
  readonly pool: Pool;
  readonly catalogue: MeterCatalogue;
  readonly registry: RegistryCache;
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
  readonly counts: ApplyCounts;
}

/**
 * Applies event batches, each claimed and applied in one transaction, in the lock order month → catalogue → batch claim →
 * registry → keys → events → usage. A batch that was applied before contributes nothing to any figure.
 *
 * The usual way applies a group of batches at once. When the database refuses somebody's data, the group is applied again
 * with every culprit isolated: it becomes a dead letter, and its neighbours, other tenants' among them, are counted.
 */
export class EventApplier {
  readonly #parts: EventApplierParts;

  constructor(parts: EventApplierParts) {
    this.#parts = parts;
  }

  /** Applies the batches in one transaction. When it throws, none of them is applied. */
  async apply(batches: readonly EventBatch[]): Promise<void> {
    const { counts } = this.#parts;
    const retry = () => {
      counts.conflictRetries += 1;
    };
    try {
      await retryConflicts(() => this.#applyOnce(batches, false), retry);
    } catch (error) {
      if (!isDataError(error)) throw error;
      await retryConflicts(() => this.#applyOnce(batches, true), retry);
    }
  }

  async #applyOnce(group: readonly EventBatch[], isolating: boolean): Promise<void> {
    const { pool, catalogue, registry, partitions, usage, counts } = this.#parts;
    const batches = distinctBatches(group);
    const { events, poison: unprepared } = prepareBatches(batches);
    const months = new Set(events.map(({ monthMs }) => monthMs));
    await partitions.ensure(pool, months);

    const committed = await inTransaction(pool, async (transaction) => {
      const periods = await usage.begin(transaction, months);
      const current = await catalogue.forTransaction(transaction);
      const claimed = await claimBatches(
        transaction,
        batches.map((batch) => ({ ...batch, items: batch.events.length })),
      );
      const claimedBatches = new Set(
        batches.filter(({ epoch, seq }) => claimed.has(claimKey(epoch, seq))),
      );
      const isClaimed = ({ place }: { readonly place: Place }) => claimedBatches.has(place.batch);
      const ours = events.filter(isClaimed);
      const apply = (part: readonly PlacedEvent[]) =>
        applyEvents(transaction, part, current, registry, periods);
      const { applied, poison } = isolating
        ? await isolatePoison(transaction, ours, apply)
        : { applied: [{ items: ours, result: await apply(ours) }], poison: [] };

      const dead = [
        ...unprepared.filter(isClaimed),
        ...poison.map(({ item, error }) => ({ place: item.place, error })),
      ];
      for (const item of dead) await storePoison(transaction, item);
      const outcomes = new Map<EventBatch, Outcome[]>();
      for (const batch of claimedBatches) outcomes.set(batch, []);
      for (const { items, result } of applied) {
        for (const [i, { place }] of items.entries()) {
          const outcome = result.outcomes[i];
          if (outcome !== undefined) outcomes.get(place.batch)?.push(outcome);
        }
      }
      for (const { place } of dead) outcomes.get(place.batch)?.push('dead');
      const sums = Array.from(outcomes, ([{ source, epoch, seq }, ofBatch]) => ({
        source,
        epoch,
        seq,
        items: ofBatch.length,
        ...sumOutcomes(ofBatch),
      }));
      // A claim starts as "all counted".
      await recordOutcomes(
        transaction,
        sums.filter(({ items, counted }) => items !== counted),
      );
      return { applied, sums };
    });

    for (const { result } of committed.applied) result.onCommit();
    counts.addOutcomes(committed.sums, group.length - committed.sums.length);
  }
}

function prepareBatches(batches: readonly EventBatch[]): {
  readonly events: readonly PlacedEvent[];
  readonly poison: readonly Poison[];
} {
  const events: PlacedEvent[] = [];
  const poison: Poison[] = [];
  for (const batch of batches) {
    for (const [index, event] of batch.events.entries()) {
      try {
        events.push(prepareEvent(event, { batch, index }));
      } catch (error) {
        poison.push({
          place: { batch, index },
          error: error instanceof Error ? error : new Error(String(error)),
        });
      }
    }
  }
  return { events, poison };
}

async function storePoison(
  transaction: Transaction,
  { place: { batch, index }, error }: Poison,
): Promise<void> {
  const { source, epoch, seq, events, frozenAtMs } = batch;
  const event = events[index];
  await storeDeadLetter(transaction, {
    queue: 'events',
    jobId: deadEventJobId({ source, epoch, seq, index }),
    jobName: 'event',
    payload: JSON.stringify({ source, epoch, seq, index, event }),
    reason: error.message,
    attempts: 1,
    epoch,
    seq,
    items: 1,
    organizations: event === undefined ? null : [event.organization],
    acceptedAtMs: frozenAtMs,
    failedAtMs: Date.now(),
  });
}
