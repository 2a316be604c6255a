import { expect, test } from '@jest/globals';
import { isOdometerError } from '@odometer/domain/errors';
import { type AskedHours, askedHours } from './asked-hours.ts';

const at = (time: string) => Date.parse(`2026-11-${time}Z`);
const NOW_MS = at('22T13:20');
const problem = (asked: AskedHours): string => {
  try {
    askedHours(asked, NOW_MS);
  } catch (error) {
    if (isOdometerError(error, 'query_invalid')) return error.message;
  }
  return 'none';
};

test('hours are whole ones, from a start up to an end or to now', () => {
  expect(askedHours({}, NOW_MS)).toEqual({});
  expect(askedHours({ from: at('22T10:00') }, NOW_MS)).toEqual({
    from: '2026-11-22T10:00:00.000Z',
  });
  expect(askedHours({ from: at('22T10:00'), to: at('22T12:00') }, NOW_MS)).toEqual({
    from: '2026-11-22T10:00:00.000Z',
    to: '2026-11-22T12:00:00.000Z',
  });
});

test.each<[string, AskedHours, string]>([
  ['an end without a start', { to: at('22T10:00') }, '--to: needs --from'],
  ['half an hour', { from: at('22T10:30') }, '--from: should be a whole hour'],
  [
    'an end within an hour',
    { from: at('22T10:00'), to: at('22T11:01') },
    '--to: should be a whole',
  ],
  ['the future', { from: at('22T14:00') }, '--from: should be in the past'],
  ['nothing', { from: at('22T10:00'), to: at('22T10:00') }, '--to: should be after --from'],
  ['more than a year', { from: Date.parse('2025-11-01Z') }, '--from: should be at most 8784 hours'],
])('%s is refused', (_, asked, said) => {
  expect(problem(asked)).toContain(said);
});
