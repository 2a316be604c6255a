import { OdometerError } from '@odometer/domain/errors';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import type { Backlog } from '@odometer/intake/backlog';
import type { BatchProducer } from '@odometer/intake/batch-producer';
import type { BucketTable, DeclaredBucket } from '../buckets/read-buckets.ts';
import type { NotificationCounts, SourceKind } from './notification-counts.ts';
import type { RefusedProducer } from './refused-producer.ts';
import { sortRecords } from './sort-records.ts';
import { MAX_REFUSED_JOBS } from './texts-to-keep.ts';

/** One source may make wait this part of what all may: whoever knows one bucket's secret cannot shut out the others. */
const SHARE_OF_A_SOURCE = 1 / 4;

/** What became of a notification's records. */
export interface TakenNotification {
  readonly accepted: number;
  readonly ignored: number;
  readonly refused: number;
  readonly undeclared: number;
}

/**
 * What all sources hand their notifications to. Whoever does tells the source (deletes, acknowledges, answers) after `take` has
 * resolved, and never before: until then the source is the only one who surely has it.
 *
 *   open ──stop()──▶ stopping (takes nothing; what was taken is made durable, or whoever handed it over is told)
 */
export class NotificationIntake {
  readonly name = 'notification-intake';
  readonly #table: () => BucketTable | undefined;
  readonly #producer: BatchProducer<ObjectChange>;
  readonly #refused: RefusedProducer;
  readonly #backlog: Backlog<'objects'>;
  readonly #counts: NotificationCounts;
  readonly #maxUnconfirmedRecords: number;
  readonly #abort = new AbortController();
  /** By the names of the buckets that a source speaks for. One that waits for nothing is not in it. */
  readonly #unconfirmedOf = new Map<string, number>();
  #unconfirmedRecords = 0;

  constructor(options: {
    readonly table: () => BucketTable | undefined;
    readonly producer: BatchProducer<ObjectChange>;
    readonly refused: RefusedProducer;
    readonly backlog: Backlog<'objects'>;
    readonly counts: NotificationCounts;
    readonly maxUnconfirmedRecords: number;
  }) {
    this.#table = options.table;
    this.#producer = options.producer;
    this.#refused = options.refused;
    this.#backlog = options.backlog;
    this.#counts = options.counts;
    this.#maxUnconfirmedRecords = options.maxUnconfirmedRecords;
  }

  /** Records that storage has not confirmed yet. */
  get unconfirmedRecords(): number {
    return this.#unconfirmedRecords;
  }

  /**
   * Why a sender that can come again should; undefined when there is room.
   *
   * @param buckets those that it may speak for.
   */
  fullBecause(buckets: readonly DeclaredBucket[]): string | undefined {
    if (this.#backlog.isOverLimit) return 'too many batches wait to be applied';
    const ofSource = this.#unconfirmedOf.get(sourceKey(buckets)) ?? 0;
    return this.#unconfirmedRecords >= this.#maxUnconfirmedRecords ||
      ofSource >= this.#maxUnconfirmedRecords * SHARE_OF_A_SOURCE
      ? 'too many records wait for storage to confirm them'
      : undefined;
  }

  /**
   * Waits as long as too many batches wait to be applied: what is not taken stays in its queue or at its broker, which are made
   * for it.
   *
   * @throws OdometerError `ingest_unavailable` when stopping
   */
  async whenRoom(): Promise<void> {
    await this.#backlog.whenRoom(this.#abort.signal);
    this.#assertOpen();
  }

  /**
   * Makes all that a notification says durable: changes in batches, what is refused as jobs of their own.
   *
   * @param buckets those that the source may speak for.
   * @throws OdometerError `ingest_unavailable` when stopping, or when there is no epoch yet; some of it may be durable all the same
   */
  async take(
    source: SourceKind,
    text: string,
    buckets: readonly DeclaredBucket[],
  ): Promise<TakenNotification> {
    this.#assertOpen();
    this.#counts.notifications[source] += 1;
    const unreadable = this.#table()?.unreadable ?? new Map<string, string>();
    const sorted = sortRecords(text, buckets, unreadable);
    const { changes, refused, ignored, undeclared } = sorted;
    const records = changes.length + Math.min(refused.length, MAX_REFUSED_JOBS);
    this.#addUnconfirmed(buckets, records);
    try {
      // Settled, not all: a record is unconfirmed as long as anybody tries to make it durable.
      const outcomes = await Promise.allSettled([
        this.#producer.add(changes),
        this.#refused.add(refused, [...namesOf(buckets), ...unreadable.values()]),
      ]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    } finally {
      this.#addUnconfirmed(buckets, -records);
    }
    this.#counts.addRecords(sorted);
    return {
      accepted: changes.length,
      ignored: ignored.length,
      refused: refused.length,
      undeclared,
    };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#refused.stop();
  }

  #addUnconfirmed(buckets: readonly DeclaredBucket[], records: number): void {
    this.#unconfirmedRecords += records;
    const key = sourceKey(buckets);
    const ofSource = (this.#unconfirmedOf.get(key) ?? 0) + records;
    if (ofSource === 0) this.#unconfirmedOf.delete(key);
    else this.#unconfirmedOf.set(key, ofSource);
  }

  #assertOpen(): void {
    if (!this.#abort.signal.aborted) return;
    throw new OdometerError('ingest_unavailable', { reason: 'the service is stopping' });
  }
}

/** Names of buckets have no blanks. */
function sourceKey(buckets: readonly DeclaredBucket[]): string {
  return namesOf(buckets).join(' ');
}

function namesOf(buckets: readonly DeclaredBucket[]): readonly string[] {
  return buckets.map(({ declaration }) => declaration.name);
}
