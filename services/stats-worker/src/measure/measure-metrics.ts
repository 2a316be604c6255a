import type { TargetKind } from '@odometer/domain/measured-target';
import type { LabelledCount } from '@odometer/service-kit/metrics';

/** How a measurement ended. */
const OUTCOMES = ['complete', 'refused', 'failed'] as const;
export type MeasurementOutcome = (typeof OUTCOMES)[number];

const KINDS: readonly TargetKind[] = ['bucket', 'registry', 'reading', 'cross_check'];

/** What this process has measured, plain numbers for `collect()`; all are there from the start, or a first failure is no rise. */
export class MeasureCounts {
  readonly #counts = KINDS.flatMap((kind) =>
    OUTCOMES.map((outcome) => ({ kind, outcome, count: 0 })),
  );
  /** Spent by all jobs, those included whose measurement goes on or was lost to another process. */
  seconds = 0;

  add(kind: TargetKind, outcome: MeasurementOutcome): void {
    const found = this.#counts.find((each) => each.kind === kind && each.outcome === outcome);
    if (found !== undefined) found.count += 1;
  }

  byOutcome(): readonly LabelledCount<'kind' | 'outcome'>[] {
    return this.#counts.map(({ kind, outcome, count }) => [{ kind, outcome }, count]);
  }
}
