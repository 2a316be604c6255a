import { describe, expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { DECLARATION } from '../../test/posthoc-fixture.ts';
import { AnswerReader, type Registry } from './answer-reader.ts';
import type { EngineColumn } from './engines/engine.ts';

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
const AT = new Date('2026-08-15T12:00:00Z');
type Rows = readonly (readonly (string | null)[])[];
async function read(rows: Rows, columns = COLUMNS) {
  const reader = new AnswerReader(metric, {
    settledInstant: async () => AT,
    registered: async () => [],
  });
  reader.begin(columns);
  await reader.add(rows);
  return reader.result();
}
const values = async (rows: Rows) =>
  (await read(rows)).rows.map(({ organization, project, dimensions, value }) => [
    `${organization}/${project}`,
    dimensions.route,
    value,
  ]);

test('rows of one key add up exactly, and nothing is no row', async () => {
  expect(
    await values([
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

test('null, empty, quoted and looking like a header are four dimensions', async () => {
  const routes = [null, '', `it's "x"`, 'route'];
  expect(await values(routes.map((route) => ['acme', 'web', route, '1']))).toEqual(
    routes.map((route) => ['acme/web', route, '1']),
  );
  const { rows } = await read(routes.map((route) => ['acme', 'web', route, '1']));
  const keys = rows.map(({ rowKey }) => rowKey);
  expect(new Set(keys).size).toBe(4);
});

test('what names no project is left out and counted', async () => {
  const answer = await read([
    ['acme', `web'; drop table`, '/', '1'],
    ['acme', null, '/', '1'],
    [null, 'web', '/', '1'],
    ['acme', '', '/', '1'],
    ['acme', 'web', '/', '1'],
  ]);
  expect(answer.unnamed).toBe(4n);
  expect(answer.rows).toHaveLength(1);
});

test('a dimension that Postgres or an event would not take is made one', async () => {
  const [row] = (await read([['acme', 'web', `\0${'x'.repeat(5_000)}`, '1']])).rows;
  expect(row?.dimensions.route).toBe(`\ufffd${'x'.repeat(1_023)}`);
});

describe('believed as a whole, or not at all', () => {
  test.each([
    ['a value that is null', null, 'the value is null'],
    ['one that is negative', '-1', 'is negative'],
    ['one that is none', 'x', 'not a decimal number'],
    ['one too long', '1'.repeat(40), 'more than 30 digits'],
  ])('%s', async (_what, value, reason) => {
    const rows = [
      ['acme', 'app', '/', '1'],
      ['acme', 'web', '/', value],
    ];
    await expect(read(rows)).rejects.toThrow(reason);
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
    async (_what, columns, reason) => {
      await expect(read([], columns)).rejects.toThrow(reason);
    },
  );
});

describe('of an answer that is too large', () => {
  const bounded = (rows: number, characters: number, registered: readonly string[]) => {
    const asked: string[] = [];
    const registry: Registry = {
      settledInstant: async () => AT,
      registered: async (names, at) => {
        // Always of one instant, or a project that is registered meanwhile would be counted from the middle.
        expect(at).toBe(AT);
        asked.push(...names);
        return names.filter((name) => registered.includes(name));
      },
    };
    const reader = new AnswerReader(metric, registry, { rows, characters });
    reader.begin(COLUMNS);
    return { reader, asked };
  };
  const totals = (reader: AnswerReader) => {
    const sums: Record<string, number> = {};
    for (const { project, value } of reader.result().rows) {
      sums[project] = (sums[project] ?? 0) + Number(value);
    }
    return sums;
  };

  test('what nobody has registered is left out and counted, before and after it was too large', async () => {
    const { reader, asked } = bounded(100, 1e9, ['acme/web', 'acme/late']);
    await reader.add([['acme', 'web', '/', '5']]);
    for (let piece = 0; piece < 30; piece += 1) {
      await reader.add(
        Array.from({ length: 10 }, (_, i) => ['acme', `x${piece * 10 + i}`, '/', '1']),
      );
    }
    await reader.add([
      ['acme', 'late', '/', '7'],
      ['acme', 'web', '/', '1'],
    ]);
    expect(totals(reader)).toEqual({ web: 6, late: 7 });
    expect(reader.result()).toMatchObject({
      unnamed: 300n,
      merged: 0,
      answered: 303,
      registeredAt: AT,
    });
    expect(asked.length).toBe(303 - 1);
  });

  test('one that fits is complete, whoever is registered', async () => {
    const { reader, asked } = bounded(100, 1e9, []);
    await reader.add(Array.from({ length: 100 }, (_, i) => ['acme', `x${i}`, '/', '1']));
    expect(reader.result()).toMatchObject({ unnamed: 0n, merged: 0, registeredAt: undefined });
    expect(asked).toEqual([]);
  });

  test.each([
    ['rows', 100, 1e9, '/'],
    ['characters', 1e9, 100 * 500, `/${'y'.repeat(500)}`],
  ])(
    'by %s the project with most of it loses its dimensions, and nobody usage',
    async (_what, rows, characters, route) => {
      const { reader } = bounded(rows, characters, ['acme/web', 'acme/noisy']);
      for (let piece = 0; piece < 50; piece += 1) {
        await reader.add([
          ['acme', 'web', `/${piece % 3}`, '1'],
          ...Array.from({ length: 10 }, (_, i) => ['acme', 'noisy', `${route}${piece}-${i}`, '2']),
        ]);
      }
      expect(totals(reader)).toEqual({ web: 50, noisy: 1_000 });
      const found = reader.result();
      expect(found).toMatchObject({ unnamed: 0n, merged: 1 });
      expect(found.rows.map(({ project, dimensions }) => `${project} ${dimensions.route}`)).toEqual(
        expect.arrayContaining(['web /0', 'web /1', 'web /2', 'noisy (others)']),
      );
      expect(new Set(found.rows.map(({ rowKey }) => rowKey)).size).toBe(found.rows.length);
    },
  );

  test('more projects than there may be rows are no answer', async () => {
    const names = Array.from({ length: 11 }, (_, i) => `acme/x${i}`);
    const { reader } = bounded(10, 1e9, names);
    await expect(reader.add(names.map((_, i) => ['acme', `x${i}`, '/', '1']))).rejects.toThrow(
      'more than 10 rows',
    );
  });

  test('what begins anew has nothing of before', async () => {
    const { reader } = bounded(10, 1e9, []);
    await reader.add(Array.from({ length: 11 }, (_, i) => ['acme', `x${i}`, '/', '1']));
    reader.begin(COLUMNS);
    await reader.add([['acme', 'x1', '/', '3']]);
    expect(totals(reader)).toEqual({ x1: 3 });
    expect(reader.result()).toMatchObject({ unnamed: 0n, answered: 1 });
  });
});
