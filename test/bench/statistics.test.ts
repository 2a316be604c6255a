import { expect, test } from '@jest/globals';
import { median, percentile, rounded } from './statistics.ts';

test('the median is the middle, and between the two middles of an even number', () => {
  expect(median([5, 1, 9])).toBe(5);
  expect(median([10, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(percentile(values, 0.99)).toBe(99);
  expect(percentile(values, 0.5)).toBe(50);
  expect(percentile([7], 0.99)).toBe(7);
});

test('rounding keeps three digits, and every digit of large numbers', () => {
  expect(rounded(0.98765)).toBe(0.988);
  expect(rounded(123_456.7)).toBe(123_457);
});
