import { expect, test } from '@jest/globals';
import { wholeQuantity } from '@odometer/domain/decimal';
import { measureEvent } from './measure-event.ts';
import type { Meter } from './meter-catalogue.ts';

const meter = (change: Partial<Meter> = {}): Meter => ({
  id: 1000,
  aggregation: 'sum',
  valuePath: ['value'],
  defaultValue: undefined,
  ...change,
});

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
