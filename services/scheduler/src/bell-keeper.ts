import type { SessionLock } from '@odometer/database/session-lock';
import type { JobSchedulers, Schedule } from '@odometer/queues/job-schedulers';

/** What failed when the bells could not be looked after. */
export type Part = 'postgres' | 'redis';

/** As plain integers, read at scrape. */
export interface KeeperCounts {
  put: number;
  removed: number;
  readonly errors: Record<Part, number>;
}

/**
 * Keeps the bells hung, while it is the owner. Any number of them may run: one is the owner, the others stand by.
 *
 *   standby ──the lock is free──▶ owner ──its connection is lost, or release()──▶ standby
 *
 * The lock spares Redis the work of several; that the bells are right does not depend on it, for to hang one that hangs
 * already changes nothing.
 */
export class BellKeeper {
  readonly counts: Readonly<KeeperCounts>;
  readonly #counts: KeeperCounts = { put: 0, removed: 0, errors: { postgres: 0, redis: 0 } };
  readonly #lock: SessionLock;
  readonly #schedulers: JobSchedulers<'periods'>;
  readonly #bells: readonly Schedule<'periods'>[];
  readonly #log: { info(fields: object): void; warn(fields: object): void };
  #wasOwner = false;
  #bellsHung: number | undefined;
  #lastError = '';

  constructor(options: {
    readonly lock: SessionLock;
    readonly schedulers: JobSchedulers<'periods'>;
    readonly bells: readonly Schedule<'periods'>[];
    readonly log: { info(fields: object): void; warn(fields: object): void };
  }) {
    this.counts = this.#counts;
    this.#lock = options.lock;
    this.#schedulers = options.schedulers;
    this.#bells = options.bells;
    this.#log = options.log;
  }

  get isOwner(): boolean {
    return this.#lock.isHeld;
  }

  /** How many bells are known to hang; undefined for who is not the owner, or cannot tell. */
  get bellsHung(): number | undefined {
    return this.isOwner ? this.#bellsHung : undefined;
  }

  /** Becomes the owner if nobody is, and as the owner makes the bells what they should be. What fails is counted and told. */
  async look(): Promise<void> {
    const isOwner = await this.#attempt('postgres', () => this.#lock.hold());
    if (this.isOwner !== this.#wasOwner) {
      this.#wasOwner = this.isOwner;
      this.#log.info({ event: this.isOwner ? 'bells_owned' : 'bells_left' });
    }
    if (isOwner !== true) return;
    const kept = await this.#attempt('redis', () => this.#schedulers.keep(this.#bells));
    this.#bellsHung = kept === undefined ? undefined : this.#bells.length;
    if (kept === undefined) return;
    this.#lastError = '';
    const { put, removed } = kept;
    this.#counts.put += put.length;
    this.#counts.removed += removed.length;
    if (put.length + removed.length > 0) this.#log.info({ event: 'bells_changed', put, removed });
  }

  async #attempt<T>(part: Part, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#counts.errors[part] += 1;
      const message = error instanceof Error ? error.message : String(error);
      // Once for an outage, not with every look.
      if (message !== this.#lastError) this.#log.warn({ event: 'bells_not_kept', part, error });
      this.#lastError = message;
      return undefined;
    }
  }
}
