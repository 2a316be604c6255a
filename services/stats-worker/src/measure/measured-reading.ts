import {
  oldestMeasured,
  type StorageDrift,
  storageDrift,
} from '@odometer/database/measuring/oldest-measured';
import type { Queryable } from '@odometer/database/pool';
import type { LabelledCount } from '@odometer/service-kit/metrics';

/** Buckets are listed every hour; what an older listing found says nothing of now. */
const MAX_AGE_MS = 3 * 3_600_000;

/** How long ago things were measured, and what listings had to put right, as last read; nothing is shown before that. */
export class MeasuredReading {
  readonly #db: Queryable;
  #oldest: readonly LabelledCount<'kind'>[] = [];
  #storageDrift: StorageDrift | undefined;

  constructor(db: Queryable) {
    this.#db = db;
  }

  get storageDrift(): StorageDrift | undefined {
    return this.#storageDrift;
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refresh(): Promise<void> {
    const oldest = await oldestMeasured(this.#db);
    this.#oldest = oldest.map(({ kind, at }) => [{ kind }, at.getTime() / 1_000] as const);
    this.#storageDrift = await storageDrift(this.#db, new Date(Date.now() - MAX_AGE_MS));
  }

  /** By kind, Unix time in seconds. */
  oldest(): readonly LabelledCount<'kind'>[] {
    return this.#oldest;
  }
}
