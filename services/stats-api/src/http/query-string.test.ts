import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { queryShape, readQuery } from './query-string.ts';

const shape = queryShape(
  z.object({
    name: z.string().optional(),
    limit: z.int().min(1).default(10),
    all: z.boolean().optional(),
    groupBy: z.array(z.string()).optional(),
    window: z.enum(['DAY', 'HOUR']).nullable().optional(),
    filterGroupBy: z.record(z.string(), z.string()).optional(),
    filters: z.record(z.string(), z.array(z.string())).optional(),
  }),
);

describe('what arrives as text', () => {
  test.each([
    ['', {}],
    ['name=a%20b+c', { name: 'a b c' }],
    ['limit=20', { limit: 20 }],
    ['all=true', { all: true }],
    ['groupBy=a', { groupBy: ['a'] }],
    ['groupBy=a&groupBy=b', { groupBy: ['a', 'b'] }],
    ['window=DAY', { window: 'DAY' }],
    [
      'filterGroupBy[model]=x&filterGroupBy%5Btype%5D=y',
      { filterGroupBy: { model: 'x', type: 'y' } },
    ],
    ['filters[a]=1&filters[a]=2&filters[b]=3', { filters: { a: ['1', '2'], b: ['3'] } }],
  ])('%s', (search, expected) => {
    expect(readQuery(search, shape)).toEqual(expected);
  });

  test('what does not fit is left for the schema to name', () => {
    expect(readQuery('limit=1e3&all=yes&name=a&name=b', shape)).toEqual({
      limit: '1e3',
      all: 'yes',
      name: ['a', 'b'],
    });
  });

  test('a key called __proto__ is a key like any other', () => {
    const { filterGroupBy } = readQuery('filterGroupBy[__proto__]=x', shape);
    expect(Object.keys(filterGroupBy as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('a parameter that nobody knows is refused, and the nearest is named', () => {
  test.each([
    ['limt=1', 'limt: is no parameter of this address; did you mean limit?'],
    ['filterGroupBi[model]=x', 'did you mean filterGroupBy[key]?'],
    ['filterGroupBy=x', 'filterGroupBy: is no parameter'],
    ['name[a]=x', 'name[a]: is no parameter'],
    ['whatever=1', 'there are all, '],
  ])('%s', (search, message) => {
    expect(() => readQuery(search, shape)).toThrow(message);
  });

  test('where there are none, that is said', () => {
    expect(() => readQuery('a=1', new Map())).toThrow('this address takes none');
  });
});
