import { readBooks } from '@odometer/database/books';
import type { SettledPrefixes } from '@odometer/database/books-settled';
import type { Pool } from '@odometer/database/pool';
import { type Books, FIGURES, type IntakeKind } from '@odometer/domain/books';
import { findJobs } from '@odometer/queues/find-jobs';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { LabelledCount } from '@odometer/service-kit/metrics';

/** The queue in which the batches of an intake kind travel. */
export interface BooksQueues {
  readonly events: JobQueue<'events'>;
  readonly mqtt: JobQueue<'counts'>;
  readonly objects: JobQueue<'objects'>;
}

/** About an hour at two a minute. */
const READINGS_BETWEEN_FULL_ONES = 120;

/**
 * The books as they were last read. A reading costs what was applied since the one before; nothing is shown before the
 * first, for a zero would say that nothing is lost.
 */
export class BooksReading {
  readonly #pool: Pool;
  readonly #queues: BooksQueues;
  readonly #settled: SettledPrefixes = new Map();
  #readings = 0;
  #books: Books | undefined;

  constructor(pool: Pool, queues: BooksQueues) {
    this.#pool = pool;
    this.#queues = queues;
  }

  /** @throws what Postgres or Redis throws; the last reading stays. */
  async refresh(): Promise<void> {
    // A dead event that is retried with success changes the outcome of an old batch; else nothing does.
    if (this.#readings % READINGS_BETWEEN_FULL_ONES === 0) this.#settled.clear();
    this.#readings += 1;
    const find = (kind: IntakeKind, jobIds: readonly string[]) =>
      findJobs(this.#queues[kind], jobIds);
    this.#books = await readBooks(this.#pool, find, this.#settled);
  }

  /** Items of each kind by figure of the identities. */
  items(): readonly LabelledCount<'kind' | 'figure'>[] {
    return (this.#books?.kinds ?? []).flatMap(({ kind, figures }) =>
      FIGURES.map((figure) => [{ kind, figure }, Number(figures[figure])] as const),
    );
  }

  /** Batches of each kind that are in no place, for longer than a minute. */
  lostBatches(): readonly LabelledCount<'kind'>[] {
    return (this.#books?.kinds ?? []).map(({ kind, lost }) => [
      { kind },
      lost.reduce((sum, { batches }) => sum + batches, 0),
    ]);
  }

  /** Of each kind, how many of its two identities do not hold. */
  brokenIdentities(): readonly LabelledCount<'kind'>[] {
    return (this.#books?.kinds ?? []).map(({ kind, broken }) => [{ kind }, broken.length]);
  }
}
