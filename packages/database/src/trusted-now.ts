import type { Queryable } from './pool.ts';

/** Between machines whose clocks are set it is milliseconds; more is a clock that nobody sets. */
const APART_MS = 60_000;

/** Postgres' clock, whole milliseconds: the moment at which it is asked, and not its transaction's beginning. */
export async function postgresNowMs(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ ms: string }>(
    'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as ms',
  );
  return Number(rows[0]?.ms);
}

/**
 * The time by which it is decided what has ended: the earlier one of a process' clock and Postgres'. One whose clock is ahead
 * would settle hours, take snapshots of days and close months that go on for everybody else.
 */
export async function trustedNow(
  db: Queryable,
  processMs: () => number = Date.now,
): Promise<number> {
  return Math.min(await postgresNowMs(db), processMs());
}

interface Log {
  error(fields: object): void;
  info(fields: object): void;
}

/**
 * A process' clock that is held against Postgres'.
 *
 *   together ──more than a minute apart──▶ apart ──▶ together; each is said once
 */
export class TrustedClock {
  readonly #db: Queryable;
  readonly #log: Log;
  readonly #processMs: () => number;
  #aheadMs: number | undefined;
  #isApart = false;

  constructor(db: Queryable, log: Log, processMs: () => number = Date.now) {
    this.#db = db;
    this.#log = log;
    this.#processMs = processMs;
  }

  /** By how much the process' clock was ahead of Postgres' when they were compared last; undefined before. */
  get aheadMs(): number | undefined {
    return this.#aheadMs;
  }

  /**
   * The earlier one without asking, for what is stamped again and again: ask `now` where the work begins. It is not ahead of
   * Postgres' by more than the process' clock has gone ahead since.
   */
  readonly nowMs = (): number => this.#processMs() - Math.max(0, this.#aheadMs ?? 0);

  /** The later one, likewise: for what must not be taken for a time that is yet to come. */
  readonly latestMs = (): number => this.#processMs() - Math.min(0, this.#aheadMs ?? 0);

  /** Compares the clocks. @returns the earlier one. */
  async now(): Promise<number> {
    const beforeMs = this.#processMs();
    const postgresMs = await postgresNowMs(this.#db);
    const afterMs = this.#processMs();
    // Postgres' answer is of some moment in between: what cannot be told from that is no difference.
    const aheadMs = Math.max(0, beforeMs - postgresMs) + Math.min(0, afterMs - postgresMs);
    this.#note(aheadMs);
    return Math.min(postgresMs, afterMs);
  }

  #note(aheadMs: number): void {
    this.#aheadMs = aheadMs;
    const isApart = Math.abs(aheadMs) > APART_MS;
    if (isApart === this.#isApart) return;
    this.#isApart = isApart;
    const seconds = Math.round(aheadMs / 1_000);
    if (isApart) this.#log.error({ event: 'clock_apart', aheadSeconds: seconds });
    else this.#log.info({ event: 'clock_together', aheadSeconds: seconds });
  }
}
