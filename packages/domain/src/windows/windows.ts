import { OdometerError } from '../errors.ts';
import { type OffsetSpan, offsetSpans, type ZoneClock } from './time-zone.ts';

/** The sizes of window that OpenMeter's query has. */
export const WINDOW_SIZES = ['MINUTE', 'HOUR', 'DAY', 'MONTH'] as const;
export type WindowSize = (typeof WINDOW_SIZES)[number];

/**
 * How a range is cut into windows `[start, end)` that touch and leave nothing out.
 * - `even`: every window begins at a multiple of `lengthMs` since the epoch. Needs no list, however long the range.
 * - `bounds`: window i is `[boundsMs[i], boundsMs[i + 1])`; together they cover the range.
 */
export type Windows =
  | { readonly kind: 'even'; readonly lengthMs: number }
  | { readonly kind: 'bounds'; readonly boundsMs: readonly number[] };

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** 137 years of days, or six of hours in a zone of half hours: as many bounds go into one statement without harm. */
const MAX_WINDOWS = 50_000;

/** A month and a day more than the longest window, on either side: its bounds may lie outside of the range. */
const MARGIN_MS = 65 * DAY_MS;

/**
 * Cuts a range into a zone's windows, at its wall clock's full minutes, hours, days or months.
 *
 * - A minute is a minute everywhere: offsets are whole minutes since 1972.
 * - An hour begins when the wall clock shows a full hour, and when clocks are changed: 02:00–03:00 that comes twice is two
 *   windows; where clocks move by 30 minutes (Lord Howe) there is a window of half an hour.
 * - A day or a month begins the first time its midnight is reached: it has 23 or 25 hours when clocks are changed, begins
 *   at 01:00 where midnight is left out, and has no window when it is left out itself (Samoa, 30 December 2011).
 *
 * @throws OdometerError `query_invalid`: more than MAX_WINDOWS windows.
 */
export function cutWindows(
  size: WindowSize,
  clock: ZoneClock,
  fromMs: number,
  toMs: number,
): Windows {
  if (size === 'MINUTE') return { kind: 'even', lengthMs: MINUTE_MS };
  const spans = offsetSpans(clock, fromMs - MARGIN_MS, toMs + MARGIN_MS);
  if (size === 'HOUR') {
    const inRange = spans.filter((span) => span.endMs > fromMs && span.startMs < toMs);
    const isEven = inRange.every(
      ({ startMs, offsetMs }) =>
        offsetMs % HOUR_MS === 0 && (startMs <= fromMs || startMs % HOUR_MS === 0),
    );
    if (isEven) return { kind: 'even', lengthMs: HOUR_MS };
    refuseLong(fromMs, toMs, HOUR_MS, size);
    return { kind: 'bounds', boundsMs: covering(hourBounds(spans), fromMs, toMs) };
  }
  refuseLong(fromMs, toMs, DAY_MS, size);
  return {
    kind: 'bounds',
    boundsMs: covering(dateBounds(size, spans, clock, fromMs), fromMs, toMs),
  };
}

function refuseLong(fromMs: number, toMs: number, lengthMs: number, size: WindowSize): void {
  if (toMs - fromMs <= MAX_WINDOWS * lengthMs) return;
  throw new OdometerError('query_invalid', {
    parameter: 'windowSize',
    problem: `${size} cuts this range into more than ${MAX_WINDOWS} windows; ask for a shorter one with from and to`,
  });
}

function* hourBounds(spans: readonly OffsetSpan[]): Generator<number> {
  for (const { startMs, endMs, offsetMs } of spans) {
    yield startMs;
    const firstMs = Math.floor((startMs + offsetMs) / HOUR_MS + 1) * HOUR_MS - offsetMs;
    for (let atMs = firstMs; atMs < endMs; atMs += HOUR_MS) yield atMs;
  }
}

function* dateBounds(
  size: 'DAY' | 'MONTH',
  spans: readonly OffsetSpan[],
  clock: ZoneClock,
  fromMs: number,
): Generator<number> {
  const local = new Date(clock(fromMs));
  let last = Number.NEGATIVE_INFINITY;
  // One before the range's first: a clock set back just after midnight may show yesterday while today has begun.
  for (let n = -1; ; n += 1) {
    const midnightMs =
      size === 'DAY'
        ? dateMs(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + n)
        : dateMs(local.getUTCFullYear(), local.getUTCMonth() + n, 1);
    const startMs = firstReached(spans, midnightMs);
    if (startMs === undefined) return;
    if (startMs > last) yield startMs;
    last = Math.max(last, startMs);
  }
}

function dateMs(year: number, month: number, day: number): number {
  const date = new Date(0);
  return date.setUTCFullYear(year, month, day);
}

/** When the wall clock shows `localMs` or later for the first time. */
function firstReached(spans: readonly OffsetSpan[], localMs: number): number | undefined {
  for (const { startMs, endMs, offsetMs } of spans) {
    const atMs = Math.max(startMs, localMs - offsetMs);
    if (atMs < endMs) return atMs;
  }
  return undefined;
}

/** Of ascending bounds those of the windows that meet `[fromMs, toMs)`. */
function covering(bounds: Iterable<number>, fromMs: number, toMs: number): readonly number[] {
  const covering: number[] = [];
  for (const boundMs of bounds) {
    if (boundMs <= fromMs) covering.length = 0;
    covering.push(boundMs);
    if (boundMs >= toMs) break;
  }
  return covering;
}
