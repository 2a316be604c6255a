import { describe, expect, test } from '@jest/globals';
import { jsonFigure, readableFigure, table } from './output.ts';

describe('figures', () => {
  test.each([
    ['0', 0],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', '9007199254740993'],
    ['12.5', '12.5'],
    ['-3', -3],
  ])('%s is exact in JSON', (text, figure) => {
    expect(jsonFigure(text)).toBe(figure);
  });

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
