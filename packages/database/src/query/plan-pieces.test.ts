import { expect, test } from '@jest/globals';
import { type PieceQuestion, planPieces } from './plan-pieces.ts';

const at = (text: string): number => Date.parse(`2026-${text}Z`);

function plan(from: string, to: string, change: Partial<PieceQuestion> = {}): readonly string[] {
  return planPieces({
    fromMs: at(from),
    toMs: at(to),
    windows: null,
    mayUseHours: true,
    mayUseDays: true,
    monthsOfEvents: [],
    ...change,
  }).map(
    ({ source, fromMs, toMs }) =>
      `${source} ${new Date(fromMs).toISOString().slice(5, 16)} ${new Date(toMs).toISOString().slice(5, 16)}`,
  );
}

test('ragged ends come from events, what is between from the sums', () => {
  expect(plan('11-05T10:20', '11-05T13:40')).toEqual([
    'events 11-05T10:20 11-05T11:00',
    'hours 11-05T11:00 11-05T13:00',
    'events 11-05T13:00 11-05T13:40',
  ]);
  expect(plan('11-05T10:20', '11-08T00:00')).toEqual([
    'events 11-05T10:20 11-05T11:00',
    'hours 11-05T11:00 11-06T00:00',
    'days 11-06T00:00 11-08T00:00',
  ]);
});

test('a range within an hour comes from events', () => {
  expect(plan('11-05T10:20', '11-05T10:40')).toEqual(['events 11-05T10:20 11-05T10:40']);
});

test('windows decide what may be summed up', () => {
  const whole = ['11-05T00:00', '11-07T00:00'] as const;
  expect(plan(...whole)).toEqual(['days 11-05T00:00 11-07T00:00']);
  expect(plan(...whole, { windows: { kind: 'even', lengthMs: 3_600_000 } })).toEqual([
    'hours 11-05T00:00 11-07T00:00',
  ]);
  expect(plan(...whole, { windows: { kind: 'even', lengthMs: 60_000 } })).toEqual([
    'events 11-05T00:00 11-07T00:00',
  ]);
  const cutAt = (text: string) => ({
    windows: {
      kind: 'bounds' as const,
      boundsMs: [at('11-04T23:00'), at(text), at('11-07T23:00')],
    },
  });
  expect(plan(...whole, cutAt('11-06T00:00'))).toEqual(['days 11-05T00:00 11-07T00:00']);
  expect(plan(...whole, cutAt('11-05T23:00'))).toEqual(['hours 11-05T00:00 11-07T00:00']);
  expect(plan(...whole, cutAt('11-05T18:30'))).toEqual(['events 11-05T00:00 11-07T00:00']);
});

test('months that the sums do not know come from events', () => {
  const monthsOfEvents = [
    { startMs: at('09-01T00:00'), endMs: at('10-01T00:00') },
    { startMs: at('10-01T00:00'), endMs: at('11-01T00:00') },
  ];
  expect(plan('08-31T12:00', '11-02T00:00', { monthsOfEvents })).toEqual([
    'hours 08-31T12:00 09-01T00:00',
    'events 09-01T00:00 10-01T00:00',
    'events 10-01T00:00 11-01T00:00',
    'days 11-01T00:00 11-02T00:00',
  ]);
});
