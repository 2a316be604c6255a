import type { Queryable } from '@odometer/database/pool';
import {
  listPosthocProgress,
  type PosthocProgress,
} from '@odometer/database/posthoc/posthoc-metrics';
import { durationMs } from '@odometer/domain/posthoc/duration';
import { posthocDeclarationSchema, windowMs } from '@odometer/domain/posthoc/posthoc-declaration';
import type { LabelledCount } from '@odometer/service-kit/metrics';

/** How far post-hoc metrics are, as last read; nothing is shown before that. Declared names are few, and ours. */
export class PosthocReading {
  readonly #db: Queryable;
  #all: readonly PosthocProgress[] = [];
  /** What is paused is not late. */
  #running: readonly PosthocProgress[] = [];
  #behind: readonly LabelledCount<'metric'>[] = [];

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refresh(nowMs: number): Promise<void> {
    this.#all = await listPosthocProgress(this.#db);
    this.#running = this.#all.filter(
      ({ declaration }) => posthocDeclarationSchema.safeParse(declaration).data?.paused !== true,
    );
    this.#behind = this.#running.map(
      (progress) => [{ metric: progress.name }, behindMs(progress, nowMs) / 1_000] as const,
    );
  }

  held(): readonly LabelledCount<'metric'>[] {
    return this.#all.map(({ name, heldWindows }) => [{ metric: name }, heldWindows] as const);
  }

  /** Unix time in seconds. */
  unfinishedSince(): readonly LabelledCount<'metric'>[] {
    return this.#running.flatMap(({ name, unfinishedSince }) =>
      unfinishedSince === null
        ? []
        : [[{ metric: name }, unfinishedSince.getTime() / 1_000] as const],
    );
  }

  /** Seconds for which there was no usage up to the newest believed answer. */
  empty(): readonly LabelledCount<'metric'>[] {
    return this.#running.map(({ name, answeredUntil, emptySince }) => {
      const emptyMs = (answeredUntil?.getTime() ?? 0) - (emptySince?.getTime() ?? 0);
      return [{ metric: name }, emptySince === null ? 0 : emptyMs / 1_000] as const;
    });
  }

  behind(): readonly LabelledCount<'metric'>[] {
    return this.#behind;
  }
}

/** What another version has declared is asked for by nobody here: all of it is late, as which windows are due is not known. */
function behindMs(
  { declaration, answeredUntil, firstWindow }: PosthocProgress,
  nowMs: number,
): number {
  const { data: metric } = posthocDeclarationSchema.safeParse(declaration);
  const [first] = metric?.revisions ?? [];
  let dueUntilMs = nowMs;
  if (metric !== undefined && first !== undefined) {
    const lengthMs = windowMs(metric.window);
    dueUntilMs = Math.floor((nowMs - durationMs(first)) / lengthMs) * lengthMs;
  }
  return Math.max(0, dueUntilMs - (answeredUntil ?? firstWindow).getTime());
}
