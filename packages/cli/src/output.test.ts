import { describe, expect, test } from '@jest/globals';
import { readableFigure, table } from './output.ts';

describe('figures', () => {
  test.each([
    ['0', '0'],
    ['1234', '1,234'],
    ['-1234567.000123', '-1,234,567.000123'],
  ])('%s is readable', (text, readable) => {
    expect(readableFigure(text)).toBe(readable);
  });
});

test('a table has no lines and no colours, and figures to the right', () => {
  const text = table(
    ['meter', 'month'],
    [
      ['logs', '1'],
      ['api_calls', '12,000'],
    ],
    [1],
  );
  expect(text).toBe('meter       month\nlogs            1\napi_calls  12,000');
});
