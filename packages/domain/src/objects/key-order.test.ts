import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareKeys } from './key-order.ts';

const key = fc.string({
  unit: fc.constantFrom('a', 'b', '/', 'é', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{1f600}'),
  maxLength: 5,
});

test('keys compare as the bytes of their UTF-8 do', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 2_000 },
  );
});
