import {
  type PeriodsProgress,
  readPeriodsProgress,
} from '@odometer/database/periods/read-progress';
import type { Pool } from '@odometer/database/pool';

/** The progress of days and months as it was last read; nothing is shown before the first reading. */
export class PeriodsReading {
  readonly #pool: Pool;
  #progress: PeriodsProgress | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  get progress(): PeriodsProgress | undefined {
    return this.#progress;
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refresh(): Promise<void> {
    this.#progress = await readPeriodsProgress(this.#pool);
  }
}
