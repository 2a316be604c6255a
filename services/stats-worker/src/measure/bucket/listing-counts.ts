import type { CorrectionReason } from '@odometer/database/objects/record-corrections';
import type { LabelledCount } from '@odometer/service-kit/metrics';

/** What this process has listed, plain numbers for `collect()`. Counted after each commit. */
export class ListingCounts {
  pages = 0;
  objects = 0;
  readonly #corrections: Record<CorrectionReason, number> = {
    missed_creation: 0,
    missed_change: 0,
    missed_removal: 0,
  };

  addCorrections(reason: CorrectionReason, objects: number): void {
    this.#corrections[reason] += objects;
  }

  byReason(): readonly LabelledCount<'reason'>[] {
    return Object.entries(this.#corrections).map(([reason, count]) => [{ reason }, count]);
  }
}
