import type { TargetKind } from '@odometer/domain/measured-target';
import type { LabelledCount } from '@odometer/service-kit/metrics';

/** How a measurement ended. */
export type MeasurementOutcome = 'complete' | 'refused' | 'failed';

/** What this process has measured, plain numbers for `collect()`. */
export class MeasureCounts {
  readonly #counts = new Map<
    string,
    { kind: TargetKind; outcome: MeasurementOutcome; count: number }
  >();
  /** Spent by all jobs, those included whose measurement goes on or was lost to another process. */
  seconds = 0;

  add(kind: TargetKind, outcome: MeasurementOutcome): void {
    const key = `${kind} ${outcome}`;
    const found = this.#counts.get(key);
    if (found === undefined) this.#counts.set(key, { kind, outcome, count: 1 });
    else found.count += 1;
  }

  byOutcome(): readonly LabelledCount<'kind' | 'outcome'>[] {
    return [...this.#counts.values()].map(({ kind, outcome, count }) => [{ kind, outcome }, count]);
  }
}
