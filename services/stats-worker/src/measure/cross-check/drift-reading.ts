import { completeFigures } from '@odometer/database/measuring/complete-figures';
import type { Queryable } from '@odometer/database/pool';
import type { LabelledCount } from '@odometer/service-kit/metrics';
import { driftFigures } from './drift.ts';

/** A cross-check is made every hour; what is older says nothing of now. */
const MAX_AGE_MS = 3 * 3_600_000;

interface Drift {
  readonly labels: { readonly kind: string; readonly name: string };
  /** Undefined while nobody knows. */
  readonly messages: number | undefined;
  readonly isTolerated: boolean;
}

/** The drifts as cross-checks last found them. One that nobody knows is not shown: a zero would say that all is well. */
export class DriftReading {
  readonly #db: Queryable;
  readonly #nowMs: () => number;
  #drifts: readonly Drift[] = [];

  constructor(db: Queryable, nowMs: () => number = Date.now) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refresh(): Promise<void> {
    const found = await completeFigures(this.#db, 'cross_check');
    this.#drifts = found.flatMap(({ target, startedAt, figures }) => {
      const { data } = driftFigures.safeParse(figures);
      if (data === undefined) return [];
      const isOld = startedAt.getTime() < this.#nowMs() - MAX_AGE_MS;
      const isKnown = data.drift !== null && !isOld;
      return [
        {
          labels: { kind: data.source, name: target },
          messages: isKnown ? Number(data.drift) : undefined,
          isTolerated: data.withinTolerance === true,
        },
      ];
    });
  }

  drifts(): readonly LabelledCount<'kind' | 'name'>[] {
    return this.#drifts.flatMap(({ labels, messages }) =>
      messages === undefined ? [] : [[labels, messages] as const],
    );
  }

  /** 1 or 0 for each drift that is known. */
  withinTolerance(): readonly LabelledCount<'kind' | 'name'>[] {
    return this.#drifts.flatMap(({ labels, messages, isTolerated }) =>
      messages === undefined ? [] : [[labels, isTolerated ? 1 : 0] as const],
    );
  }

  /** 1 or 0 for each cross-check that ever ended. */
  known(): readonly LabelledCount<'kind' | 'name'>[] {
    return this.#drifts.map(({ labels, messages }) => [labels, messages === undefined ? 0 : 1]);
  }
}
