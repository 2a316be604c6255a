import { expect, test } from '@jest/globals';
import { wholeQuantity } from '@odometer/domain/decimal';
import { measureEvent as measure } from './measure-event.ts';
import type { Meter } from './meter-catalogue.ts';

const meter = (change: Partial<Meter> = {}): Meter => ({
  id: 1000,
  aggregation: 'sum',
  valuePath: ['value'],
  defaultValue: undefined,
  ...change,
});

const measureEvent = (data: unknown, of: Meter) => measure(data, of, false);

test('a counting meter takes any event', () => {
  expect(measureEvent(undefined, meter({ aggregation: 'count' }))).toBe(wholeQuantity(1));
});

test('a missing value is the default where there is one, and invalid where there is none', () => {
  expect(measureEvent({}, meter({ defaultValue: wholeQuantity(1) }))).toBe(wholeQuantity(1));
  expect(measureEvent({}, meter())).toBe('value is missing');
});

test('a null is no missing value', () => {
  expect(typeof measureEvent({ value: null }, meter({ defaultValue: wholeQuantity(1) }))).toBe(
    'string',
  );
});

test('an event without the value is none of a distinct count’s', () => {
  const distinct = meter({ aggregation: 'unique_count' });
  expect(measureEvent({ value: 'anna' }, distinct)).toBe(0n);
  expect(measureEvent({}, distinct)).toBe('value is missing');
  expect(measureEvent({ value: null }, distinct)).toBe('value is missing');
});

test('a client’s negative value lowers no sum, whatever it is written as; a post-hoc metric’s does', () => {
  for (const value of [-1, '-1', ' -0.000000000001 ', -1e15]) {
    expect(measure({ value }, meter(), false)).toBe('value is negative');
    expect(typeof measure({ value }, meter(), true)).toBe('bigint');
  }
  expect(measure({ value: -0 }, meter(), false)).toBe(0n);
  expect(measure({}, meter({ defaultValue: -1n }), false)).toBe('value is negative');
});

test('a level may be below zero', () => {
  for (const aggregation of ['avg', 'min', 'max', 'latest'] as const) {
    expect(measure({ value: -5 }, meter({ aggregation }), false)).toBe(wholeQuantity(-5));
  }
});
