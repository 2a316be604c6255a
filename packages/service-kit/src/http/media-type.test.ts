import { expect, test } from '@jest/globals';
import { isJson, isUtf8Charset, parseMediaType } from './media-type.ts';

test.each([
  ['application/json', 'application/json', undefined],
  ['Application/JSON; charset=UTF-8', 'application/json', 'utf-8'],
  ['application/cloudevents+json;charset="utf-8"', 'application/cloudevents+json', 'utf-8'],
  [' application/json ;foo=bar', 'application/json', undefined],
  [undefined, '', undefined],
  [';', '', undefined],
])('%j is read leniently', (header, essence, charset) => {
  expect(parseMediaType(header)).toEqual({ essence, charset });
});

test('JSON is known by its suffix, and UTF-8 by its absence', () => {
  expect(isJson(parseMediaType('application/vnd.x+json'))).toBe(true);
  expect(isJson(parseMediaType('text/plain'))).toBe(false);
  expect(isUtf8Charset(parseMediaType('application/json'))).toBe(true);
  expect(isUtf8Charset(parseMediaType('application/json; charset=utf-16'))).toBe(false);
});
