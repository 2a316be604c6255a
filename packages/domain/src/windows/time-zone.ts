/** A stretch of time in which a zone's clocks keep one distance from UTC: local time = UTC + `offsetMs`. */
export interface OffsetSpan {
  readonly startMs: number;
  readonly endMs: number;
  readonly offsetMs: number;
}

/** A reading of a zone's wall clock, as the instant at which a clock in UTC would show the same. */
export type ZoneClock = (atMs: number) => number;

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** A name of the IANA database. Fixed offsets (`+02:00`) are none: other OpenMeter servers refuse them, too. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;

/**
 * The wall clock of an IANA time zone, by the database that Node carries.
 *
 * @returns undefined when there is no zone of that name. Never throws.
 */
export function zoneClock(timeZone: string): ZoneClock | undefined {
  if (timeZone === 'UTC') return (atMs) => atMs;
  if (!ZONE_NAME.test(timeZone)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return (atMs) => {
    // The format knows no milliseconds: what is cut off here is put back below.
    const wholeMs = Math.floor(atMs / SECOND_MS) * SECOND_MS;
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
    for (const { type, value } of format.formatToParts(wholeMs)) parts[type] = value;
    const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year);
    // Date.UTC takes the years 0 to 99 for those of the last century.
    const local = new Date(0);
    local.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day));
    local.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second));
    return local.getTime() + (atMs - wholeMs);
  };
}

/**
 * How a zone's offset runs through `[fromMs, toMs)`: spans that touch, in order, the first beginning at `fromMs`. Clocks
 * that change twice within a day would be seen as unchanged; none has in the IANA database since there are time zones.
 */
export function offsetSpans(clock: ZoneClock, fromMs: number, toMs: number): readonly OffsetSpan[] {
  const offsetAt = (atMs: number): number => clock(atMs) - atMs;
  const spans: OffsetSpan[] = [];
  let startMs = fromMs;
  let offsetMs = offsetAt(fromMs);
  for (let atMs = fromMs; atMs < toMs; ) {
    const nextMs = Math.min(atMs + DAY_MS, toMs);
    const nextOffsetMs = offsetAt(nextMs);
    if (nextOffsetMs !== offsetMs) {
      const changeMs = firstOther(offsetAt, offsetMs, atMs, nextMs);
      if (changeMs < toMs) {
        spans.push({ startMs, endMs: changeMs, offsetMs });
        startMs = changeMs;
        offsetMs = nextOffsetMs;
      }
    }
    atMs = nextMs;
  }
  spans.push({ startMs, endMs: toMs, offsetMs });
  return spans;
}

/** The first whole second after `beforeMs` at which the offset is another; at `afterMs` it is. */
function firstOther(
  offsetAt: (atMs: number) => number,
  offsetMs: number,
  beforeMs: number,
  afterMs: number,
): number {
  let same = Math.floor(beforeMs / SECOND_MS);
  let other = Math.ceil(afterMs / SECOND_MS);
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(middle * SECOND_MS) === offsetMs) same = middle;
    else other = middle;
  }
  return other * SECOND_MS;
}
