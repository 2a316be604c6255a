import { cutWindows, type Windows } from '@odometer/domain/windows/windows';
import type { MeterQuery } from './meter-query.ts';
import { isCutAt } from './plan-pieces.ts';

const HOUR_MS = 3_600_000;

/**
 * Why a question can be answered from single events only; undefined when sums by hours may serve. They know whose usage it
 * is and in which hour, and nothing else.
 */
export function needsEvents(query: MeterQuery, windows: Windows | null): string | undefined {
  const { meter, window, subjects, groupBy, filters } = query;
  if (window?.size === 'MINUTE') return 'windows of a minute';
  if (!isCutAt(windows, HOUR_MS)) return 'windows that do not begin at full hours of UTC';
  if (filters.length > 0) return 'a filter on what events hold';
  if (groupBy.some(({ by }) => by === 'dimension')) return 'groups by what events hold';
  if (subjects === null && groupBy.some(({ by }) => by === 'subject')) return 'groups by subject';
  if (subjects?.some(({ device }) => device !== undefined)) return 'a subject that is a device';
  if (meter.aggregation === 'unique_count') return 'distinct values, which do not add up';
  return meter.countingBack ? 'events that are still being counted back' : undefined;
}

/** The windows of a question; null when it wants none. @throws OdometerError `query_invalid`: too many. */
export function windowsOf(query: MeterQuery, fromMs: number, toMs: number): Windows | null {
  const { window } = query;
  return window === null ? null : cutWindows(window.size, window.clock, fromMs, toMs);
}
