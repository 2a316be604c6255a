import type { LabelledCount } from '@odometer/service-kit/metrics';

/** What became of a run, as far as it matters to somebody. */
const OUTCOMES = ['done', 'failed', 'held', 'superseded'] as const;
export type RunOutcome = (typeof OUTCOMES)[number];

/** What this process did for post-hoc metrics, plain numbers for `collect()`. */
export class PosthocCounts {
  readonly #runs = OUTCOMES.map((outcome) => ({ outcome, count: 0 }));
  answerRows = 0;
  unmatchedLines = 0;
  unnamedRows = 0;
  scannedBytes = 0;
  shippedEvents = 0;

  add(outcome: RunOutcome): void {
    const found = this.#runs.find((each) => each.outcome === outcome);
    if (found !== undefined) found.count += 1;
  }

  runs(): readonly LabelledCount<'outcome'>[] {
    return this.#runs.map(({ outcome, count }) => [{ outcome }, count]);
  }
}
