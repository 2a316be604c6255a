import { describe, expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { DECLARATION } from '../../test/posthoc-fixture.ts';
import type { EngineColumn } from './engines/engine.ts';
import { readAnswer } from './read-answer.ts';

const metric = posthocDeclarationSchema.parse({
  ...DECLARATION,
  columns: { project: 'p', value: 'n', organization: 'o', dimensions: ['route'] },
});
const COLUMNS: readonly EngineColumn[] = [
  { name: 'o', type: 'other' },
  { name: 'p', type: 'other' },
  { name: 'route', type: 'other' },
  { name: 'n', type: 'exact' },
];
const read = (rows: readonly (readonly (string | null)[])[], columns = COLUMNS) =>
  readAnswer(metric, { columns, rows, unmatchedLines: 0n, scannedBytes: 0n });
const values = (rows: readonly (readonly (string | null)[])[]) =>
  read(rows).rows.map(({ organization, project, dimensions, value }) => [
    `${organization}/${project}`,
    dimensions.route,
    value,
  ]);

test('rows of one key add up exactly, and nothing is no row', () => {
  expect(
    values([
      ['acme', 'web', '/a', '9007199254740993'],
      ['acme', 'web', '/b', '1'],
      ['acme', 'web', '/a', '0.000000000001'],
      ['acme', 'web', '/c', '0'],
    ]),
  ).toEqual([
    ['acme/web', '/a', '9007199254740993.000000000001'],
    ['acme/web', '/b', '1'],
  ]);
});

test('null, empty, quoted and looking like a header are four dimensions', () => {
  const routes = [null, '', `it's "x"`, 'route'];
  expect(values(routes.map((route) => ['acme', 'web', route, '1']))).toEqual(
    routes.map((route) => ['acme/web', route, '1']),
  );
  const keys = read(routes.map((route) => ['acme', 'web', route, '1'])).rows.map(
    ({ rowKey }) => rowKey,
  );
  expect(new Set(keys).size).toBe(4);
});

test('what names no project is left out and counted', () => {
  const answer = read([
    ['acme', `web'; drop table`, '/', '1'],
    ['acme', null, '/', '1'],
    [null, 'web', '/', '1'],
    ['acme', '', '/', '1'],
    ['acme', 'web', '/', '1'],
  ]);
  expect(answer.unnamed).toBe(4n);
  expect(answer.rows).toHaveLength(1);
});

test('a dimension that Postgres or an event would not take is made one', () => {
  const [row] = read([['acme', 'web', `\0${'x'.repeat(5_000)}`, '1']]).rows;
  expect(row?.dimensions.route).toBe(`\ufffd${'x'.repeat(1_023)}`);
});

describe('believed as a whole, or not at all', () => {
  test.each([
    ['a value that is null', null, 'the value is null'],
    ['one that is negative', '-1', 'is negative'],
    ['one that is none', 'x', 'not a decimal number'],
    ['one too long', '1'.repeat(40), 'more than 30 digits'],
  ])('%s', (_what, value, reason) => {
    const rows = [
      ['acme', 'app', '/', '1'],
      ['acme', 'web', '/', value],
    ];
    expect(() => read(rows)).toThrow(reason);
  });

  test.each([
    ['a column too many', [...COLUMNS, { name: 'x', type: 'other' }], 'has a column x'],
    ['one too few', COLUMNS.slice(1), 'no column o'],
    ['one twice', [...COLUMNS, { name: 'p', type: 'other' }], 'two columns p'],
    ['a float', [...COLUMNS.slice(0, 3), { name: 'n', type: 'inexact' }], 'floating-point'],
    [
      'a text',
      [...COLUMNS.slice(0, 3), { name: 'n', type: 'other' }],
      'no number of an exact type',
    ],
  ] as readonly (readonly [string, readonly EngineColumn[], string])[])(
    '%s',
    (_what, columns, reason) => {
      expect(() => read([], columns)).toThrow(reason);
    },
  );
});
