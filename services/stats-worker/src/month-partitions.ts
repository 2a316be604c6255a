import { createMonthPartitions, partitionedMonths } from '@odometer/database/partitions';
import type { Queryable } from '@odometer/database/pool';
import { monthEnd, toTimestamp } from '@odometer/domain/period';

/** Partitions are made this far ahead, so that the turn of a month finds its tables there. */
const AHEAD_MONTHS = 2;

/** Knows for which months the partitions exist, and makes those that are missing, before the transaction that needs them. */
export class MonthPartitions {
  readonly #known = new Set<number>();

  /** Makes sure that the months (starts, milliseconds) have their partitions. Usually asks nobody. */
  async ensure(db: Queryable, monthsMs: Iterable<number>): Promise<void> {
    for (const month of monthsMs) {
      if (this.#known.has(month)) continue;
      await createMonthPartitions(db, toTimestamp(month), toTimestamp(month));
      this.#known.add(month);
    }
  }

  forget(): void {
    this.#known.clear();
  }

  /** Makes the partitions of the current month and those ahead. Called at start and every hour. */
  async makeAhead(db: Queryable, nowMs: number): Promise<void> {
    let until = nowMs;
    for (let i = 0; i < AHEAD_MONTHS; i += 1) until = monthEnd(until);
    await createMonthPartitions(db, toTimestamp(nowMs), toTimestamp(until));
    for (const month of await partitionedMonths(db)) this.#known.add(month);
  }
}
