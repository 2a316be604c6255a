import { completeFigures } from '@odometer/database/measuring/complete-figures';
import type { Queryable } from '@odometer/database/pool';
import type { LabelledCount } from '@odometer/service-kit/metrics';
import { driftFigures } from './drift.ts';

/** A cross-check is made every hour; what is older says nothing of now. */
const MAX_AGE_MS = 3 * 3_600_000;

/** The drifts as cross-checks last found them. One that has none is not shown: a zero would say that all is well. */
export class DriftReading {
  readonly #db: Queryable;
  readonly #nowMs: () => number;
  #drifts: readonly LabelledCount<'kind' | 'name'>[] = [];

  constructor(db: Queryable, nowMs: () => number = Date.now) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refresh(): Promise<void> {
    const found = await completeFigures(this.#db, 'cross_check');
    this.#drifts = found.flatMap(({ target, startedAt, figures }) => {
      const { data } = driftFigures.safeParse(figures);
      const isOld = startedAt.getTime() < this.#nowMs() - MAX_AGE_MS;
      if (data === undefined || data.drift === null || isOld) return [];
      return [[{ kind: data.source, name: target }, Number(data.drift)] as const];
    });
  }

  drifts(): readonly LabelledCount<'kind' | 'name'>[] {
    return this.#drifts;
  }
}
