import { type LabelledCount, labelled } from '@odometer/service-kit/metrics';

/** What became of a run, as far as it matters to somebody. */
const OUTCOMES = ['done', 'failed', 'held', 'superseded'] as const;
export type RunOutcome = (typeof OUTCOMES)[number];

/** Asked for a window again: whether its answer was another one. */
const REVISIONS = ['unchanged', 'changed'] as const;
const DIRECTIONS = ['more', 'less'] as const;
const ENGINES = ['duckdb', 'athena'] as const;

/** What a believed answer is, compared with the one before it. */
export interface ComparedAnswer {
  /** Of its window; there is nothing to compare it with. */
  readonly isFirst: boolean;
  /** Rows of which there is more now. */
  readonly more: number;
  readonly less: number;
}

/** What this process did for post-hoc metrics, plain numbers for `collect()`; all are there from the start. */
export class PosthocCounts {
  readonly #runs = zeros(OUTCOMES);
  readonly #revisions = zeros(REVISIONS);
  readonly #differences = zeros(DIRECTIONS);
  readonly #scannedBytes = zeros(ENGINES);
  answerRows = 0;
  unmatchedLines = 0;
  unnamedRows = 0;
  shippedEvents = 0;

  add(outcome: RunOutcome): void {
    this.#runs[outcome] += 1;
  }

  addScanned(engine: (typeof ENGINES)[number], bytes: number): void {
    this.#scannedBytes[engine] += bytes;
  }

  addCompared({ isFirst, more, less }: ComparedAnswer): void {
    if (isFirst) return;
    this.#revisions[more + less > 0 ? 'changed' : 'unchanged'] += 1;
    this.#differences.more += more;
    this.#differences.less += less;
  }

  runs(): Iterable<LabelledCount<'outcome'>> {
    return labelled('outcome', this.#runs);
  }

  revisions(): Iterable<LabelledCount<'outcome'>> {
    return labelled('outcome', this.#revisions);
  }

  differences(): Iterable<LabelledCount<'direction'>> {
    return labelled('direction', this.#differences);
  }

  scannedBytes(): Iterable<LabelledCount<'engine'>> {
    return labelled('engine', this.#scannedBytes);
  }
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
