import { expect, test } from '@jest/globals';
import { InvalidArgumentError } from 'commander';
import { instant } from './arguments.ts';

test('an instant is a date, its midnight in UTC, or a time with its zone', () => {
  expect(instant('2026-10-01')).toBe(Date.UTC(2026, 9, 1));
  expect(instant('2024-02-29')).toBe(Date.UTC(2024, 1, 29));
  expect(instant('2026-10-01T10:00Z')).toBe(Date.UTC(2026, 9, 1, 10));
  expect(instant('2026-10-01T10:00:00.000Z')).toBe(Date.UTC(2026, 9, 1, 10));
  expect(instant('2026-10-01T00:30:05+01:00')).toBe(Date.UTC(2026, 8, 30, 23, 30, 5));
});

test.each([
  '2026-02-30',
  '2026-02-30T10:00Z',
  '2025-02-29',
  '2026-13-01',
  '2026-10-01T25:00Z',
  // Parts of a second would be left out.
  '2026-10-01T10:00:00.5Z',
  // Of no zone.
  '2026-10-01T10:00',
  'yesterday',
  '',
])('%j is none', (text) => {
  expect(() => instant(text)).toThrow(InvalidArgumentError);
});
