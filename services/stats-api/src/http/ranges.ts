import { OdometerError } from '@odometer/domain/errors';
import type { z } from 'zod';
import { date, month } from './schemas.ts';

const DAY_MS = 86_400_000;

/** Without a range: the last 31 days, today included; a month of any length. */
const DEFAULT_DAYS = 31;
/** Without a range: the last twelve months, the current one included. */
const DEFAULT_MONTHS = 12;

/** The query parameters of whatever is asked by day. */
export const dayRangeQuery = {
  from: date.optional().describe('the first day; by default 31 days before `to`'),
  to: date.optional().describe('the day after the last one; by default tomorrow'),
};

/** The query parameters of whatever is asked by month. */
export const monthRangeQuery = {
  from: month.optional().describe('the first month; by default twelve months before `to`'),
  to: month.optional().describe('the month after the last one; by default the next'),
};

interface Range {
  /** `YYYY-MM-DD`, half-open. */
  readonly from: string;
  readonly to: string;
}

type Asked = z.infer<z.ZodObject<typeof dayRangeQuery>>;

/** @throws OdometerError `query_invalid` when it is reversed. */
export function dayRange(asked: Asked, nowMs: number): Range {
  const to = asked.to ?? dateOf(nowMs + DAY_MS);
  const from = asked.from ?? dateOf(Date.parse(to) - DEFAULT_DAYS * DAY_MS);
  return inOrder({ from, to });
}

/** Months as the dates on which they begin. @throws OdometerError `query_invalid` when it is reversed. */
export function monthRange(asked: Asked, nowMs: number): Range {
  const to = asked.to === undefined ? monthsFrom(dateOf(nowMs), 1) : firstDay(asked.to);
  const from = asked.from === undefined ? monthsFrom(to, -DEFAULT_MONTHS) : firstDay(asked.from);
  return inOrder({ from, to });
}

/** `2026-10` is `2026-10-01`. */
export function firstDay(monthText: string): string {
  return `${monthText}-01`;
}

function dateOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function monthsFrom(dateText: string, months: number): string {
  const at = new Date(dateText);
  return dateOf(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1));
}

function inOrder(range: Range): Range {
  // The form of both is the same, so text compares as time does.
  if (range.from <= range.to) return range;
  throw new OdometerError('query_invalid', {
    parameter: 'from',
    problem: 'should not be after to',
  });
}
