import { expect, test } from '@jest/globals';
import { isSourceName } from '@odometer/domain/batch';
import fc from 'fast-check';
import { sourceName } from './source-name.ts';

test('a pod keeps its name', () => {
  expect(sourceName('ingest-api-7d4b9c-x2x')).toBe('ingest-api-7d4b9c-x2x');
  expect(sourceName("Ada's MacBook.local")).toBe('ada-s-macbook-local');
});

test('every host name becomes a name that job ids can hold', () => {
  fc.assert(fc.property(fc.string(), (instance) => isSourceName(sourceName(instance))));
});
