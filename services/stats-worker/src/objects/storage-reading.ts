import { readStorageProgress, type StorageProgress } from '@odometer/database/objects/read-storage';
import type { Pool } from '@odometer/database/pool';

/** How the ledger stood when it was last read; nothing is shown before the first reading. */
export class StorageReading {
  readonly #pool: Pool;
  #progress: StorageProgress | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  get progress(): StorageProgress | undefined {
    return this.#progress;
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refresh(): Promise<void> {
    this.#progress = await readStorageProgress(this.#pool);
  }
}
