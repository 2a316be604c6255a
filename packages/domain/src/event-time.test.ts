import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseEventTime } from './event-time.ts';

test.each([
  ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
  ['2026-01-01t00:00:00z', Date.UTC(2026, 0, 1)],
  ['2028-02-29T23:59:59.999Z', Date.UTC(2028, 1, 29, 23, 59, 59, 999)],
  ['2026-01-01T05:30:00.123456789+05:30', Date.UTC(2026, 0, 1, 0, 0, 0, 123)],
  ['2025-12-31T23:00:00-01:00', Date.UTC(2026, 0, 1)],
])('%s is an instant', (text, atMs) => {
  expect(parseEventTime(text)).toBe(atMs);
});

test.each([
  '2026-02-30T00:00:00Z',
  '2027-02-29T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01T00:00:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01',
  '2026-13-01T00:00:00Z',
  '2026-01-01T00:00:00+16:00',
  '2026-01-01T00:00:00.1234567890Z',
  ' 2026-01-01T00:00:00Z',
  'yesterday',
  '',
])('%j is refused instead of becoming another instant', (text) => {
  expect(parseEventTime(text)).toBeUndefined();
});

test('every instant survives as itself', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
      (date) => parseEventTime(date.toISOString()) === date.getTime(),
    ),
  );
});

test('never throws, whatever it is given', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const atMs = parseEventTime(text);
      expect(atMs === undefined || Number.isFinite(atMs)).toBe(true);
    }),
  );
});
