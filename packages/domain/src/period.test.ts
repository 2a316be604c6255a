import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dayStart, hourStart, monthEnd, monthStart, toTimestamp } from './period.ts';

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

test('instants read as Date writes them, far ones and those before 1970 too', () => {
  const instant = fc.integer({ min: -62_198_755_200_000, max: 253_402_300_799_999 });
  fc.assert(
    fc.property(instant, fc.integer({ min: -90_000_000, max: 90_000_000 }), (atMs, offsetMs) => {
      for (const each of [atMs, atMs + offsetMs, Date.UTC(2026, 0) + offsetMs]) {
        expect(toTimestamp(each)).toBe(new Date(each).toISOString());
      }
    }),
  );
  expect(() => toTimestamp(Number.NaN)).toThrow(RangeError);
  expect(() => toTimestamp(Number.POSITIVE_INFINITY)).toThrow(RangeError);
});
