import { type Gap, recordGap } from '@odometer/database/gaps';
import type { Queryable } from '@odometer/database/pool';

/**
 * Gaps that were noticed and have yet to reach Postgres. Kept until they have: when the broker says once that it forgot
 * our session, it does not say so again.
 */
export class GapLog {
  readonly #db: Queryable;
  readonly #onNoted: (gap: Gap) => void;
  readonly #pending: Gap[] = [];

  constructor(db: Queryable, onNoted: (gap: Gap) => void) {
    this.#db = db;
    this.#onNoted = onNoted;
  }

  note(gap: Gap): void {
    this.#pending.push(gap);
    this.#onNoted(gap);
  }

  /** Writes what is pending, oldest first. @throws what Postgres says; what was not written stays pending. */
  async write(): Promise<void> {
    for (let gap = this.#pending.shift(); gap !== undefined; gap = this.#pending.shift()) {
      try {
        await recordGap(this.#db, gap);
      } catch (error) {
        this.#pending.unshift(gap);
        throw error;
      }
    }
  }
}
