import { expect, test } from '@jest/globals';
import { hoursToRead } from './hours-to-read.ts';

const at = (time: string) => Date.parse(`2026-11-05T${time}:00Z`);
const hours = (
  now: string,
  { from = '00:00', through = '10:00', delayMinutes = 5, reviseHours = 0 } = {},
) =>
  hoursToRead(
    { delayMinutes, reviseHours },
    { readFromMs: at(from), readThroughMs: at(through) },
    at(now),
  ).map((ms) => new Date(ms).toISOString().slice(11, 16));

test('an hour is read once its end is long enough ago', () => {
  expect(hours('10:59')).toEqual([]);
  expect(hours('11:04')).toEqual([]);
  expect(hours('11:05')).toEqual(['10:00']);
  expect(hours('13:30', { delayMinutes: 90 })).toEqual(['10:00', '11:00']);
});

test('after an outage all hours are read that were missed, oldest first', () => {
  expect(hours('14:20')).toEqual(['10:00', '11:00', '12:00', '13:00']);
});

test('hours that were read are read again, but none from before it was declared', () => {
  expect(hours('11:05', { reviseHours: 3 })).toEqual(['07:00', '08:00', '09:00', '10:00']);
  expect(hours('11:05', { reviseHours: 3, from: '09:00' })).toEqual(['09:00', '10:00']);
});

test('a clock that was put back reads nothing that has not ended', () => {
  expect(hours('08:30', { reviseHours: 2 })).toEqual(['06:00', '07:00']);
});
