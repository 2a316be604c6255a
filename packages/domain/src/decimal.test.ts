import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatQuantity, parseQuantity } from './decimal.ts';

const roundTrip = (value: unknown): string => {
  const parsed = parseQuantity(value);
  return typeof parsed === 'bigint' ? formatQuantity(parsed) : parsed;
};

describe('what is a quantity keeps its exact value', () => {
  test.each([
    [1, '1'],
    [0, '0'],
    [-0, '0'],
    [0.1, '0.1'],
    [-2.5, '-2.5'],
    [1e-7, '0.0000001'],
    [9007199254740991, '9007199254740991'],
    ['9007199254740993', '9007199254740993'],
    [' 100 ', '100'],
    ['1e3', '1000'],
    ['1.50e1', '15'],
    ['0.000000000001', '0.000000000001'],
    [`${'9'.repeat(30)}.${'9'.repeat(12)}`, `${'9'.repeat(30)}.${'9'.repeat(12)}`],
    ['1.0000000000000000000', '1'],
    ['0e999', '0'],
  ])('%j is %s', (value, text) => {
    expect(roundTrip(value)).toBe(text);
  });

  test('a sum of 0.1 a thousand times is 100, which it is not in floats', () => {
    let sum = 0n;
    for (let i = 0; i < 1000; i += 1) sum += parseQuantity(0.1) as bigint;
    expect(formatQuantity(sum)).toBe('100');
  });

  test('every decimal of up to 15 significant digits survives a JSON number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(10 ** 14), max: 10 ** 14 }),
        fc.integer({ min: 0, max: 12 }),
        (units, places) => {
          const text = formatQuantity((BigInt(units) * 10n ** 12n) / 10n ** BigInt(places));
          expect(roundTrip(JSON.parse(text))).toBe(text);
        },
      ),
    );
  });
});

test.each([
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  1e200,
  0.1234567890123456,
  '1e100000',
  '1e200',
  `1${'0'.repeat(30)}`,
  '0.0000000000001',
  '',
  'NaN',
  'Infinity',
  '0x10',
  '1_000',
  '1,5',
  '--1',
  '1.',
  '.5',
  null,
  undefined,
  true,
  {},
  [],
])('%j is refused with a sentence', (value) => {
  expect(typeof parseQuantity(value)).toBe('string');
});

test('a long text costs no more than its length', () => {
  const startedAtMs = performance.now();
  expect(roundTrip(`${'0'.repeat(1_000_000)}7`)).toBe('7');
  expect(roundTrip(`7${'0'.repeat(1_000_000)}`)).toContain('digits');
  expect(roundTrip(`0.${'0'.repeat(1_000_000)}7`)).toContain('digits');
  expect(performance.now() - startedAtMs).toBeLessThan(2_000);
});
