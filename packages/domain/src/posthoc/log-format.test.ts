import { expect, test } from '@jest/globals';
import { columnNames, jsonColumns, logFormatSchema, parquetColumns } from './log-format.ts';

test('columns of JSON are properties by their names, or where a path leads', () => {
  const named = logFormatSchema.parse({ type: 'json', columns: ['at', 'user'] });
  const placed = logFormatSchema.parse({
    type: 'json',
    columns: { at: '$.date', user: `$.data['user name'][0]` },
  });
  if (named.type !== 'json' || placed.type !== 'json') throw new Error('they are none');
  expect([...jsonColumns(named)]).toEqual([
    ['at', ['at']],
    ['user', ['user']],
  ]);
  expect([...jsonColumns(placed)]).toEqual([
    ['at', ['date']],
    ['user', ['data', 'user name', 0]],
  ]);
  expect(columnNames(placed)).toEqual(['at', 'user']);
});

test('columns of Parquet are text, or of the type that is said', () => {
  const format = logFormatSchema.parse({
    type: 'parquet',
    columns: { at: 'timestamp', n: 'bigint' },
  });
  if (format.type !== 'parquet') throw new Error('it is none');
  expect([...parquetColumns(format)]).toEqual([
    ['at', 'timestamp'],
    ['n', 'bigint'],
  ]);
  expect([...parquetColumns({ type: 'parquet', columns: ['a'] })]).toEqual([['a', 'text']]);
});

test.each([
  { type: 'json', columns: [] },
  { type: 'json', columns: {} },
  { type: 'json', columns: { a: '$' } },
  { type: 'json', columns: { a: '$.x[*]' } },
  { type: 'json', columns: { A: '$.x' } },
  { type: 'json', columns: ['a', 'a'] },
  { type: 'parquet', columns: { a: 'struct' } },
  { type: 'delimited', columns: { a: '$.x' } },
  { type: 'delimited', delimiter: ', ', columns: ['a'] },
  { type: 'csv', columns: ['a'] },
])('%j is refused', (format) => {
  expect(logFormatSchema.safeParse(format).success).toBe(false);
});
