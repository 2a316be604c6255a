import { expect, test } from '@jest/globals';
import { dayStart, hourStart, monthEnd, monthStart } from './period.ts';

test('an instant on a boundary belongs to the period that starts there', () => {
  const midnight = Date.UTC(2026, 2, 1);
  expect([hourStart(midnight), dayStart(midnight), monthStart(midnight)]).toEqual([
    midnight,
    midnight,
    midnight,
  ]);
  expect(monthStart(midnight - 1)).toBe(Date.UTC(2026, 1, 1));
  expect(hourStart(midnight - 1)).toBe(midnight - 3_600_000);
});

test('instants before 1970 round down, not towards zero', () => {
  expect(dayStart(-1)).toBe(-86_400_000);
});

test('a month ends where the next one starts, also over a year and a leap day', () => {
  expect(monthEnd(Date.UTC(2026, 11, 31))).toBe(Date.UTC(2027, 0, 1));
  expect(monthEnd(Date.UTC(2028, 1, 29))).toBe(Date.UTC(2028, 2, 1));
});
