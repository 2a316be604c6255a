import { hash } from 'node:crypto';
import { type Hold, keepProgress } from '@odometer/database/measuring/measurements';
import type { BucketHistory } from '@odometer/database/objects/bucket-levels';
import type { ListingKnowledge } from '@odometer/database/objects/listing-knowledge';
import type { CorrectionReason } from '@odometer/database/objects/record-corrections';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import type { BucketDeclaration } from '@odometer/domain/objects/bucket-declaration';
import { latestCredible } from '@odometer/domain/objects/clock-ahead';
import type { BucketCatalogue, DeclaredBucket } from '../../objects/bucket-catalogue.ts';
import type { RegistryCache } from '../../registry-cache.ts';
import { retryConflicts } from '../../retry-conflicts.ts';
import type { ListingCounts } from './listing-counts.ts';
import { addTallies, type ListingTally, tallyFromJson, tallyToJson } from './listing-tally.ts';
import type { ObjectLister } from './object-lister.ts';
import { Turns } from './turns.ts';

/** What listings of buckets are made with. */
export interface BucketParts {
  readonly pool: Pool;
  readonly registry: RegistryCache;
  readonly buckets: BucketCatalogue;
  /** @throws as ObjectLister does. */
  readonly openLister: (bucket: BucketDeclaration, signal: AbortSignal) => Promise<ObjectLister>;
  readonly counts: ListingCounts;
  /** Of all listings of this process: what they do in Postgres. */
  readonly turns: Turns;
  /** No later than it is. @default Date.now */
  readonly nowMs?: () => number;
  /** No earlier than it is. @default nowMs */
  readonly latestMs?: () => number;
}

/** What is fixed for a listing. */
export interface ListingTerms {
  readonly hold: Hold;
  readonly bucket: DeclaredBucket;
  /** Tells what would be corrected, and changes nothing. */
  readonly isDryRun: boolean;
  /** The last complete listing went by another meaning of its keys. */
  readonly isMappedAnew: boolean;
  /** What was changed this recently is left to the next listing. */
  readonly graceMs: number;
  /** Nothing that is found out now is counted from before this. */
  readonly sinceMs: number;
}

/**
 *   new ──▶ listing ──▶ sweeping ──▶ (complete)
 *
 * `listing`: shards are read, and what they have is put right. `sweeping`: the listing is complete and believed, and what it
 * does not have is taken out. Both go on where they stopped.
 */
export type ListingPhase = 'new' | 'listing' | 'sweeping';

/**
 * Of a declaration, and of what keys mean by it: shards of another store, and sums by what keys meant before, are of no use.
 */
export function markOf({ id, mappingVersion, declaration }: DeclaredBucket): string {
  return hash('sha256', JSON.stringify([id, mappingVersion, declaration]));
}

/** The bucket was declared anew since a listing of it began, or is declared no more: it is to begin again, with what is declared now. */
export class DeclaredAnew extends Error {
  constructor(bucket: string) {
    super(`the bucket ${bucket} was declared anew while it was listed`);
  }
}

/** One listing of a bucket: what it goes by, how far it is, and its steps, one at a time. */
export class BucketListing {
  readonly parts: BucketParts;
  readonly terms: ListingTerms;
  readonly isFilling: boolean;
  /** Objects that the ledger had when it began by the word of listings that were not believed. */
  readonly unbelievedBefore: number;
  /** By our clock, before the first page was asked for. */
  readonly begunAtMs: number;
  readonly #mark: string;
  #phase: ListingPhase;
  #tally: ListingTally;
  readonly #turns = new Turns(1);

  /**
   * @param progress as it was kept last.
   * @param begins of one that is new: whether it fills the ledger rather than corrects it, and what was added to it (BucketHistory).
   */
  constructor(
    parts: BucketParts,
    terms: ListingTerms,
    progress: Readonly<Record<string, unknown>>,
    begins: { readonly isFilling: boolean } & Pick<BucketHistory, 'unbelievedObjects'>,
  ) {
    this.parts = parts;
    this.terms = terms;
    this.#mark = markOf(terms.bucket);
    const { phase = 'new', tally, begunAtMs = this.nowMs() } = progress;
    const { isFilling, unbelievedObjects } = begins;
    const { filling = isFilling, unbelieved = unbelievedObjects } = progress;
    this.begunAtMs = begunAtMs as number;
    this.unbelievedBefore = unbelieved as number;
    this.#phase = phase as ListingPhase;
    this.#tally = tallyFromJson(tally);
    // As it was begun: a part of it may have been what made the bucket known.
    this.isFilling = filling as boolean;
  }

  get phase(): ListingPhase {
    return this.#phase;
  }

  get tally(): ListingTally {
    return this.#tally;
  }

  get measurementId(): string {
    return this.terms.hold.id;
  }

  nowMs(): number {
    return (this.parts.nowMs ?? Date.now)();
  }

  /** By the later clock: one that is behind would take what was just written for a wrong clock's, and out of the ledger. */
  credibleMs(): number {
    const { nowMs = Date.now, latestMs = nowMs } = this.parts;
    return latestCredible(latestMs());
  }

  /** What a page knows that was asked for at an instant. */
  knowledge(askedAtMs: number): ListingKnowledge {
    const { bucket, graceMs } = this.terms;
    const isOrderedByTime = bucket.declaration.order === 'event_time';
    return { askedAtMs, graceMs, credibleMs: this.credibleMs(), isOrderedByTime };
  }

  /** Does what needs Postgres, one thing at a time for this listing, and few for all. */
  turn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(() => this.parts.turns.take(work));
  }

  /**
   * A step, in a transaction that also keeps what it found. Call it within a turn.
   *
   * @param found what is known before the step is done; `work` returns what it finds out besides.
   * @throws OdometerError `measurement_taken_over`, before anything is done.
   * @throws DeclaredAnew before anything is done, too.
   */
  async step(
    found: Partial<ListingTally>,
    work: (transaction: Transaction) => Promise<StepResult>,
    phase: ListingPhase = this.#phase,
  ): Promise<void> {
    const { pool, counts } = this.parts;
    const before = addTallies(this.#tally, found);
    const { after, result } = await retryConflicts(
      () =>
        inTransaction(pool, async (transaction) => {
          await keepProgress(transaction, this.terms.hold, this.#progress(phase, before));
          await this.#checkDeclaration(transaction);
          const result = await work(transaction);
          if (result?.found === undefined) return { after: before, result };
          const after = addTallies(before, result.found);
          await keepProgress(transaction, this.terms.hold, this.#progress(phase, after));
          return { after, result };
        }),
      () => {},
    );
    counts.pages += after.pages - this.#tally.pages;
    counts.objects += after.listed.objects - this.#tally.listed.objects;
    if (!this.terms.isDryRun && !this.isFilling) {
      for (const reason of Object.keys(after.corrections) as CorrectionReason[]) {
        const objects = after.corrections[reason].objects - this.#tally.corrections[reason].objects;
        counts.addCorrections(reason, objects);
      }
    }
    [this.#tally, this.#phase] = [after, phase];
    result?.onCommit?.();
  }

  /**
   * Until the transaction ends nobody declares anything else. Whoever is to declare looks at what there is before: so nothing of a
   * bucket is ever counted after another one was declared in its place.
   */
  async #checkDeclaration(transaction: Transaction): Promise<void> {
    const { id, declaration } = this.terms.bucket;
    const declared = (await this.parts.buckets.forTransaction(transaction)).get(id);
    if (declared === undefined || markOf(declared) !== this.#mark) {
      throw new DeclaredAnew(declaration.name);
    }
  }

  #progress(phase: ListingPhase, tally: ListingTally): Readonly<Record<string, unknown>> {
    const { isFilling: filling, unbelievedBefore: unbelieved, begunAtMs } = this;
    const { mappingVersion } = this.terms.bucket;
    return {
      phase,
      declaration: this.#mark,
      mappingVersion,
      filling,
      unbelieved,
      begunAtMs,
      tally: tallyToJson(tally),
    };
  }
}

export type StepResult =
  | { readonly found?: Partial<ListingTally> | undefined; readonly onCommit?: () => void }
  | undefined;
