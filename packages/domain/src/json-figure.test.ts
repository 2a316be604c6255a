import { expect, test } from '@jest/globals';
import { jsonFigure } from './json-figure.ts';

test.each([
  ['0', 0],
  ['9007199254740991', 9_007_199_254_740_991],
  ['9007199254740993', '9007199254740993'],
  ['12.5', '12.5'],
  ['-3', -3],
])('%s is exact in JSON', (text, figure) => {
  expect(jsonFigure(text)).toBe(figure);
});
