import { expect, test } from '@jest/globals';
import { jsonProblem } from './json-problem.ts';

test.each([
  ['{"a":[1,{"b":"x"}],"proto":1,"constructor":{"prototype":1}}', undefined],
  ['"\\u0000"', 'the body holds U+0000 or half of a surrogate pair'],
  ['{"subject":["x","\\ud800"]}', 'subject.1 holds U+0000 or half of a surrogate pair'],
  ['{"a":{"\\u0000":1}}', 'a has a name with U+0000 or half of a surrogate pair'],
  ['{"__proto__":{"a":1}}', '__proto__ is no name that can be used'],
  ['{"groupBy":{"__proto__":"$.a"}}', 'groupBy.__proto__ is no name that can be used'],
  ['[{"a":{"__proto__":null}}]', '0.a.__proto__ is no name that can be used'],
])('%s is answered with the place and the reason', (text, problem) => {
  expect(jsonProblem(JSON.parse(text), 'the body')).toBe(problem);
});

test('nesting has an end, and so has what is said of it', () => {
  expect(jsonProblem(JSON.parse(`${'['.repeat(32)}1${']'.repeat(32)}`), 'it')).toBeUndefined();
  const deep = JSON.parse(`${'{"abcdef":'.repeat(100_000)}1${'}'.repeat(100_000)}`);
  expect(jsonProblem(deep, 'it')).toMatch(
    /^abcdef\.abcdef.{100,114}… is nested deeper than 32 levels$/,
  );
});
