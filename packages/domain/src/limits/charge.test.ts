import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseQuantity, type Scaled } from '../decimal.ts';
import { overage, overageCharge } from './charge.ts';

const decimal = (text: string): Scaled => {
  const parsed = parseQuantity(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
};

test.each([
  ['1000', '0.002', 2n],
  ['250', '0.002', 1n],
  ['249', '0.002', 0n],
  ['1', '0.5', 1n],
  ['3', '0.5', 2n],
  ['0', '99', 0n],
  ['0.000000000001', '0.000000000001', 0n],
  ['0.1', '5', 1n],
  ['9'.repeat(30), '1', BigInt('9'.repeat(30))],
])('%s units at %s cost %s minor units: halves are rounded up', (over, price, charge) => {
  expect(overageCharge(decimal(over), decimal(price))).toBe(charge);
});

test('the charge is the nearest whole number to the exact product', () => {
  const scaled = fc.bigInt({ min: 0n, max: 10n ** 42n });
  fc.assert(
    fc.property(scaled, scaled, (over, price) => {
      const distance = overageCharge(over, price) * 10n ** 24n - over * price;
      expect(2n * distance).toBeLessThanOrEqual(10n ** 24n);
      expect(2n * distance).toBeGreaterThan(-(10n ** 24n));
    }),
  );
});

test('overage is what is beyond the included, and nothing of what is unlimited', () => {
  expect(overage(12n, 10n)).toBe(2n);
  expect(overage(10n, 10n)).toBe(0n);
  expect(overage(-5n, 0n)).toBe(0n);
  expect(overage(12n, null)).toBe(0n);
});
