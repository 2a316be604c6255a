import { scheduleRuns } from '@odometer/database/maintenance/schedule-runs';
import type { Queryable } from '@odometer/database/pool';
import { newestGaps, type UnsettledLetters, unsettledLetters } from '@odometer/database/unsettled';
import type { RedisFigures } from '@odometer/queues/redis-figures';

/** What Postgres says of all of Odometer. */
export interface Noted {
  /** When each bell was last answered with success, milliseconds since the epoch. */
  readonly lastSuccess: ReadonlyMap<string, number>;
  readonly letters: readonly UnsettledLetters[];
  readonly gaps: readonly { readonly reason: string; readonly recordedAt: Date }[];
}

/**
 * How the whole system stands, as it was last read. It is read here because a scheduler is the one process that is always
 * there, does no work that could hold it up, and is not scaled: what waits is seen also while nobody works on it.
 */
export class SystemReading {
  readonly #db: Queryable;
  readonly #askRedis: () => Promise<RedisFigures>;
  #noted: Noted | undefined;
  #redisFigures: RedisFigures | undefined;

  constructor(db: Queryable, askRedis: () => Promise<RedisFigures>) {
    this.#db = db;
    this.#askRedis = askRedis;
  }

  /** Undefined before the first reading. */
  get noted(): Noted | undefined {
    return this.#noted;
  }

  /** Undefined while Redis does not answer. */
  get redis(): RedisFigures | undefined {
    return this.#redisFigures;
  }

  async refreshRedis(): Promise<void> {
    this.#redisFigures = await this.#askRedis().catch(() => undefined);
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refreshNoted(): Promise<void> {
    this.#noted = {
      lastSuccess: await scheduleRuns(this.#db),
      letters: await unsettledLetters(this.#db),
      gaps: await newestGaps(this.#db),
    };
  }
}
