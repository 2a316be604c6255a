import { type CountBackPosition, positionAt } from '@odometer/database/meters/count-back';
import { monthEnd } from '@odometer/domain/period';

const HOUR_MS = 3_600_000;
const MIN_WIDTH_MS = 1_000;
const MAX_WIDTH_MS = 31 * 24 * HOUR_MS;
/** A window is read whole before its events are sorted: seconds of it would be somebody else's page cache. */
const SLOW_MS = 1_000;

/** A stretch of time within one month, from a position on. */
export interface TimeSpan {
  readonly monthMs: number;
  readonly from: CountBackPosition;
  readonly beforeMs: number;
}

/** How reading a stretch went. */
export interface SpanReading {
  /** More events than a chunk holds. */
  readonly overfull: boolean;
  /** Less than half a chunk. */
  readonly sparse: boolean;
  readonly durationMs: number;
}

/**
 * How much time is looked at at once. Events have no index by type and time, so what costs is the width: it shrinks where
 * events are dense, and grows over silent nights and months.
 */
export class Span {
  readonly #monthsMs: readonly number[];
  #widthMs = HOUR_MS;

  /** @param monthsMs starts of the months that have events, ascending. */
  constructor(monthsMs: readonly number[]) {
    this.#monthsMs = monthsMs;
  }

  /** What to count next; undefined when nothing is left. */
  from(position: CountBackPosition | null): TimeSpan | undefined {
    const timeMs = position?.timeMs ?? Number.NEGATIVE_INFINITY;
    const monthMs = this.#monthsMs.find((month) => monthEnd(month) > timeMs);
    if (monthMs === undefined) return undefined;
    const from = position !== null && timeMs >= monthMs ? position : positionAt(monthMs);
    return { monthMs, from, beforeMs: Math.min(from.timeMs + this.#widthMs, monthEnd(monthMs)) };
  }

  adapt({ overfull, sparse, durationMs }: SpanReading): void {
    if (overfull || durationMs > SLOW_MS) this.#widthMs = Math.max(this.#widthMs / 2, MIN_WIDTH_MS);
    else if (sparse) this.#widthMs = Math.min(this.#widthMs * 2, MAX_WIDTH_MS);
    this.#widthMs = Math.ceil(this.#widthMs);
  }
}
