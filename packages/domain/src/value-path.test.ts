import { expect, test } from '@jest/globals';
import { parseValuePath, readValue } from './value-path.ts';

test.each([
  ['$', { a: 1 }, { a: 1 }],
  ['$.value', { value: 3 }, 3],
  ['$.a.b-c', { a: { 'b-c': 'x' } }, 'x'],
  ["$['a b'][1]", { 'a b': [1, 2] }, 2],
  ['$["it\\"s"]', { 'it"s': 5 }, 5],
  ['$.missing.deep', { value: 3 }, undefined],
  ['$.length', 'text', undefined],
  ['$.constructor', {}, undefined],
  ['$.items.length', { items: [1, 2] }, undefined],
  ["$['0']", [5], undefined],
  ['$[0]', { 0: 5 }, undefined],
  ['$.value', null, undefined],
])('%s of %j is %j', (path, data, value) => {
  const steps = parseValuePath(path);
  expect(steps).toBeDefined();
  expect(readValue(data, steps ?? [])).toEqual(value);
});

test.each(['', 'value', '$.', '$..a', '$.*', '$[*]', '$[?(@.a)]', '$[-1]', "$['a", '$ .a'])(
  '%j names no single value',
  (path) => {
    expect(parseValuePath(path)).toBeUndefined();
  },
);
