import type { Windows } from '@odometer/domain/windows/windows';

/** A part of a range and where its usage is read: from raw events, or from what is summed up by hours or days. */
export interface Piece {
  readonly source: 'events' | 'hours' | 'days';
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PieceQuestion {
  readonly fromMs: number;
  readonly toMs: number;
  /** Null: one row for the whole range. */
  readonly windows: Windows | null;
  /** Whether hours may serve at all; else everything comes from events. */
  readonly mayUseHours: boolean;
  /** Whether days may: a gauge's carry a value into days without a reading. */
  readonly mayUseDays: boolean;
  /** Months, as their starts, that hours do not know. */
  readonly monthsOfEvents: readonly { readonly startMs: number; readonly endMs: number }[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * Divides a range into pieces that touch, each read from the most that is summed up and still exact: whole UTC days where
 * windows are made of them, else whole hours, and raw events at the ragged ends.
 */
export function planPieces(question: PieceQuestion): readonly Piece[] {
  const { fromMs, toMs, windows, mayUseHours, mayUseDays, monthsOfEvents } = question;
  const hours = wholeUnits(fromMs, toMs, HOUR_MS);
  if (!mayUseHours || hours === undefined || !isCutAt(windows, HOUR_MS)) {
    return [{ source: 'events', fromMs, toMs }];
  }
  const usesDays = mayUseDays && isCutAt(windows, DAY_MS);
  const pieces: Piece[] = [];
  const add = (source: Piece['source'], startMs: number, endMs: number): void => {
    if (startMs < endMs) pieces.push({ source, fromMs: startMs, toMs: endMs });
  };
  const addSummed = (startMs: number, endMs: number): void => {
    const days = usesDays ? wholeUnits(startMs, endMs, DAY_MS) : undefined;
    const daysFromMs = days?.fromMs ?? endMs;
    const daysToMs = days?.toMs ?? endMs;
    add('hours', startMs, daysFromMs);
    add('days', daysFromMs, daysToMs);
    add('hours', daysToMs, endMs);
  };
  add('events', fromMs, hours.fromMs);
  let doneMs = hours.fromMs;
  for (const { startMs, endMs } of monthsOfEvents) {
    const from = Math.max(doneMs, startMs);
    const to = Math.min(hours.toMs, endMs);
    if (from >= to) continue;
    addSummed(doneMs, from);
    add('events', from, to);
    doneMs = to;
  }
  addSummed(doneMs, hours.toMs);
  add('events', hours.toMs, toMs);
  return pieces;
}

function wholeUnits(
  fromMs: number,
  toMs: number,
  unitMs: number,
): { readonly fromMs: number; readonly toMs: number } | undefined {
  const firstMs = Math.ceil(fromMs / unitMs) * unitMs;
  const lastMs = Math.floor(toMs / unitMs) * unitMs;
  return firstMs < lastMs ? { fromMs: firstMs, toMs: lastMs } : undefined;
}

/** Whether no window begins within a unit. */
export function isCutAt(windows: Windows | null, unitMs: number): boolean {
  if (windows === null) return true;
  if (windows.kind === 'even') return windows.lengthMs % unitMs === 0;
  return windows.boundsMs.slice(1, -1).every((boundMs) => boundMs % unitMs === 0);
}
