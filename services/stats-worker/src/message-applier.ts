import { claimBatches, claimKey, recordOutcomes } from '@odometer/database/applied-batches';
import { type EventConflict, insertEventConflicts } from '@odometer/database/insert-events';
import { inTransaction, type Transaction } from '@odometer/database/pool';
import type { BatchId, BatchOutcome } from '@odometer/domain/batch';
import { messageKey } from '@odometer/domain/message-key';
import { monthStart } from '@odometer/domain/period';
import type { IdentifiedMessage, MessageBatch } from '@odometer/queues/catalogue';
import { applyMessages } from './apply-messages.ts';
import { claimOnce } from './claim-once.ts';
import type { CountApplierParts } from './count-applier.ts';
import { countMessages } from './count-messages.ts';
import { distinctBatches } from './distinct-batches.ts';
import { sumOutcomes } from './event-outcome.ts';
import type { PeriodUsage } from './periods/usage-writer.ts';
import { retryConflicts } from './retry-conflicts.ts';

/** A message with the key under which it counts once. */
interface KeyedMessage {
  readonly key: string;
  readonly fingerprint: string;
  readonly origin: string;
  readonly message: IdentifiedMessage;
}

/**
 * Applies messages of sources that may deliver one twice, in two batches or by two counters: each batch is claimed, then each
 * message by its id, and what is new is counted as a flush's messages are. The first one applied decides in which hour a message
 * counts; it coming again changes nothing. Lock order month → batch claim → registry → keys → usage.
 */
export class MessageApplier {
  readonly #parts: CountApplierParts;

  constructor(parts: CountApplierParts) {
    this.#parts = parts;
  }

  /** Applies the batches in one transaction. When it throws, none of them is applied. */
  async apply(batches: readonly MessageBatch[]): Promise<void> {
    await retryConflicts(
      () => this.#applyOnce(batches),
      () => {
        this.#parts.counts.conflictRetries += 1;
      },
    );
  }

  async #applyOnce(group: readonly MessageBatch[]): Promise<void> {
    const { pool, partitions, usage, counts } = this.#parts;
    const batches = distinctBatches(group);
    const months = new Set(
      batches.flatMap(({ messages }) => messages.map(({ atMs }) => monthStart(atMs))),
    );
    await partitions.ensure(pool, months);

    const { outcomes, onCommit } = await inTransaction(pool, async (transaction) => {
      const periods = await usage.begin(transaction, months);
      const claimed = await claimBatches(
        transaction,
        batches.map((batch) => ({ ...batch, items: batch.messages.length })),
      );
      const ours = batches.filter(({ epoch, seq }) => claimed.has(claimKey(epoch, seq)));
      return this.#count(transaction, ours, periods);
    });

    onCommit();
    counts.addOutcomes(outcomes, group.length - outcomes.length);
  }

  async #count(
    transaction: Transaction,
    batches: readonly MessageBatch[],
    periods: PeriodUsage,
  ): Promise<{
    readonly outcomes: readonly (BatchId & BatchOutcome)[];
    readonly onCommit: () => void;
  }> {
    const keyed = batches.map(keyMessages);
    const all = keyed.flat();
    const resolution = await this.#parts.registry.resolve(
      transaction,
      all.map(({ message }) => message),
    );
    const claim = await claimOnce(transaction, all);
    await insertEventConflicts(
      transaction,
      all.filter((each) => claim(each) === 'conflicting').map(conflictOf),
    );
    const counted = batches.map(({ source, epoch, seq, frozenAtMs }, i) => {
      const ours = (keyed[i] ?? []).filter((each) => claim(each) === 'ours');
      const hours = countMessages(ours.map(({ message }) => message));
      return { source, epoch, seq, frozenAtMs, messages: ours.length, hours };
    });
    const applied = await applyMessages(transaction, counted, resolution, periods);

    const unattributed = new Map(
      applied.outcomes.map((each) => [claimKey(each.epoch, each.seq), each.unattributed]),
    );
    const outcomes = batches.map(({ source, epoch, seq }, i) => {
      const claims = (keyed[i] ?? []).map(claim);
      const sums = sumOutcomes(claims.map((each) => (each === 'ours' ? 'counted' : each)));
      const unowned = unattributed.get(claimKey(epoch, seq)) ?? 0;
      const split = { counted: sums.counted - unowned, unattributed: unowned };
      return { source, epoch, seq, items: claims.length, ...sums, ...split };
    });
    // A claim starts as "all counted".
    await recordOutcomes(
      transaction,
      outcomes.filter((each) => each.items !== each.counted),
    );
    return { outcomes, onCommit: applied.onCommit };
  }
}

function keyMessages({ origin, messages }: MessageBatch): readonly KeyedMessage[] {
  return messages.map((message) => ({
    key: messageKey(message.organization, origin, message.id),
    fingerprint: message.fingerprint,
    origin,
    message,
  }));
}

function conflictOf({ key, fingerprint, origin, message }: KeyedMessage): EventConflict {
  return {
    key,
    fingerprint,
    organization: message.organization,
    source: origin,
    eventId: message.id,
    event: JSON.stringify(message),
  };
}
