import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { DECLARATION, LIMITS, NO_BUCKETS } from '../../../../test/posthoc-fixture.ts';
import type { EngineAnswer } from '../engine.ts';
import { createDuckDbEngine } from './duckdb-engine.ts';

const START = Date.parse('2026-08-15T23:00:00Z');
const ALWAYS = ':start < :end';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory('logs');
});

function write(path: string, content: string | Buffer): void {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, path.endsWith('.gz') ? gzipSync(content) : content);
}

async function ask(format: object, sql: string, path = '*'): Promise<EngineAnswer> {
  const source = { type: 'directory', path, format };
  const metric = posthocDeclarationSchema.parse({ ...DECLARATION, sql, source });
  const engine = createDuckDbEngine({ directory, limits: LIMITS, fetch: NO_BUCKETS });
  const query = { metric, startMs: START, endMs: START + 3_600_000 };
  return (await engine.answer(query, null, new AbortController().signal)) as EngineAnswer;
}

describe('CSV', () => {
  const format = { type: 'delimited', header: true, columns: ['project', 'note', 'value'] };
  const sql = `select project, note, cast(value as bigint) as value from logs where ${ALWAYS} order by 3`;

  test('has quotes, newlines and delimiters in values, compressed or not', async () => {
    const rows = 'web,"a ""quoted"", note",1\nweb,"two\nlines",2\nweb,,3\nweb,"",4\n';
    write('a.csv.gz', `project,note,value\n${rows}`);
    write('b.csv', 'project,note,value\r\nweb,crlf,5\r\n');
    expect((await ask(format, sql)).rows).toEqual([
      ['web', 'a "quoted", note', '1'],
      ['web', 'two\nlines', '2'],
      ['web', '', '3'],
      ['web', '', '4'],
      ['web', 'crlf', '5'],
    ]);
  });

  test('a data row that looks like the header is a row', async () => {
    const header = 'project,note,value';
    write('a.csv', `${header}\n${header}\nweb,x,1\n`);
    write('b.csv', `${header}\n`);
    write('c.csv', `${header}\n${header}\n`);
    const { rows, unmatchedLines } = await ask(
      format,
      `select project, count(*) as value from logs where ${ALWAYS} group by 1 order by 1`,
    );
    expect(rows).toEqual([
      ['project', '2'],
      ['web', '1'],
    ]);
    expect(unmatchedLines).toBe(0n);
  });
});

describe('JSON', () => {
  const columns = ['project', 'value'];
  const sql = `select project, value from logs where ${ALWAYS} order by value`;
  const lines = (...all: string[]) => `${all.join('\n')}\n`;

  test('values are as they are written, and null is no empty text', async () => {
    write(
      'a.json.gz',
      lines(
        '{"value": "1", "project": "it\'s \\"x\\"\\n"}',
        '{"value": 2, "project": ""}',
        '{"value": 3, "project": null}',
        '{"value": 4}',
        '{"value": 5, "project": {"a": [1, true]}}',
        '{"value": 9007199254740993123, "project": 12345678901234567890123}',
        '{"value": true, "project": 1.50}',
      ),
    );
    expect((await ask({ type: 'json', columns }, sql)).rows).toEqual([
      [`it's "x"\n`, '1'],
      ['', '2'],
      [null, '3'],
      [null, '4'],
      ['{"a":[1,true]}', '5'],
      ['12345678901234567890123', '9007199254740993123'],
      ['1.5', 'true'],
    ]);
  });

  test('columns are where their paths lead, whatever properties are called', async () => {
    write('a.json', lines('{"data": {"user name": ["a", "b"], "x/y~z": 1}, "0": "zero"}'));
    const format = {
      type: 'json',
      columns: {
        second: `$.data['user name'][1]`,
        odd: `$.data['x/y~z']`,
        none: '$.data.no',
        zero: `$['0']`,
      },
    };
    const { rows } = await ask(format, `select second, odd, none, zero from logs where ${ALWAYS}`);
    expect(rows).toEqual([['b', '1', null, 'zero']]);
  });

  test('lines that are no objects are counted, and their neighbours as well', async () => {
    const good = '{"project": "web", "value": 1}';
    write(
      'a.json',
      lines(
        good,
        '\u0002',
        '{"project": "web"',
        '[1]',
        '"text"',
        '7',
        'null',
        'garbage',
        '',
        good,
        '{"project"',
      ),
    );
    const counted = `select project, count(*) as value from logs where ${ALWAYS} and value = '1' group by 1`;
    expect(await ask({ type: 'json', columns }, counted)).toMatchObject({
      rows: [['web', '2']],
      unmatchedLines: 8n,
    });
  });
});

test('lines that are no good and all the same are counted each', async () => {
  const lines = 'garbage\n'.repeat(5_000);
  write('a.log', `{"project": "web"}\n${lines}`);
  write('b.log', lines);
  const sql = `select count(*) as value from logs where ${ALWAYS}`;
  const pattern = { type: 'pattern', pattern: '^.(.*):', columns: ['project'] };
  for (const format of [pattern, { type: 'json', columns: ['project'] }]) {
    expect(await ask(format, sql)).toMatchObject({ rows: [['1']], unmatchedLines: 10_000n });
  }
});

describe('Parquet', () => {
  const parquet = async (path: string, sql: string) => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(`copy (${sql}) to '${join(directory, path)}' (format parquet)`);
    connection.closeSync();
    instance.closeSync();
  };
  const columns = { project: 'text', bytes: 'bigint', seen: 'timestamp', cost: 'decimal' };
  const sql = `select project, bytes, cost, seen from logs where seen >= :start and seen < :end order by bytes`;

  test('columns are of the types that are declared, whatever files have, in any order', async () => {
    await parquet(
      'a.parquet',
      `select 'web' as "Project", 9007199254740993 as bytes, timestamptz '2026-08-16 01:00:00+02' as seen, 1.25::double as cost`,
    );
    await parquet(
      'b.parquet',
      `select timestamp '2026-08-15 23:59:59.999999' as seen, 7::smallint as bytes, null::varchar as project, 1 as more`,
    );
    await parquet('c.parquet', `select timestamp '2026-08-16 00:00:00' as seen, 1 as bytes`);
    const { rows, columns: types } = await ask({ type: 'parquet', columns }, sql);
    expect(rows).toEqual([
      [null, '7', null, '2026-08-15 23:59:59.999999'],
      ['web', '9007199254740993', '1.250000000000', '2026-08-15 23:00:00'],
    ]);
    expect(types.map(({ type }) => type)).toEqual(['other', 'exact', 'exact', 'other']);
  });

  test('that are not there are no rows of the same types', async () => {
    const { rows, columns: types } = await ask({ type: 'parquet', columns }, sql);
    expect(rows).toEqual([]);
    expect(types.map(({ type }) => type)).toEqual(['other', 'exact', 'exact', 'other']);
  });

  const cost = (type: string, select: string) =>
    ask({ type: 'parquet', columns: { cost: type } }, select);
  const costs = `select cost from logs where ${ALWAYS} order by cost`;

  test('numbers keep twelve places, whatever type they are of in the files', async () => {
    for (const [path, value] of [
      ['a', '0.123456789012::decimal(38, 12)'],
      ['b', '1.500000000001::decimal(20, 15)'],
      ['c', '2::integer'],
    ]) {
      await parquet(`${path}.parquet`, `select ${value} as cost`);
    }
    const expected = [['0.123456789012'], ['1.500000000001'], ['2.000000000000']];
    expect((await cost('decimal', costs)).rows).toEqual(expected);
  });

  test.each([
    ['0.1::double', 'decimal', '0.100000000000'],
    ['0.25::float', 'decimal', '0.250000000000'],
    ['0.1::float', 'decimal', '0.100000000000'],
    ['0.00001::double', 'decimal', '0.000010000000'],
    ['123456.789::double', 'decimal', '123456.789000000000'],
    ['1e17::double', 'bigint', '100000000000000000'],
    ['3::double', 'bigint', '3'],
    ['2.00::decimal(5, 2)', 'bigint', '2'],
    [`' 1.5'`, 'decimal', '1.500000000000'],
    [`'+7.0'`, 'bigint', '7'],
  ])('%s is a %s', async (value, type, expected) => {
    await parquet('a.parquet', `select ${value} as cost union all select null`);
    expect((await cost(type, costs)).rows).toEqual([[expected], [null]]);
  });

  test.each([
    ['1.5::double', 'bigint'],
    ['0.1234567890123456::double', 'decimal'],
    ['1e-13::double', 'decimal'],
    ['9007199254740993.5::decimal(20, 1)', 'bigint'],
    ['1.50::decimal(5, 2)', 'bigint'],
    ['0.0000000000005::decimal(38, 13)', 'decimal'],
    [`'1.5'`, 'bigint'],
    [`'0.0000000000005'`, 'decimal'],
    [`'1e-13'`, 'decimal'],
  ])('%s is no %s: it fails, and is not rounded', async (value, type) => {
    await parquet('a.parquet', `select ${value} as cost`);
    await expect(cost(type, costs)).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining(`column cost is declared as ${type}, which would round `),
    });
  });

  test('whole numbers in one file and floating point in another are not mixed', async () => {
    await parquet('a.parquet', 'select 9007199254740993::bigint as cost');
    await parquet('b.parquet', 'select 1.5::double as cost');
    for (const type of ['decimal', 'text']) {
      await expect(cost(type, costs)).rejects.toMatchObject({
        message: expect.stringMatching(/column cost is BIGINT in .*a\.parquet and floating point/),
      });
    }
    expect((await cost('double', costs)).rows).toHaveLength(2);
  });

  test('all columns are text unless it is said otherwise', async () => {
    await parquet('a.parquet', 'select 1.50::decimal(5, 2) as project, true as value');
    const format = { type: 'parquet', columns: ['project', 'value'] };
    const { rows } = await ask(format, `select project || '!', value from logs where ${ALWAYS}`);
    expect(rows).toEqual([['1.50!', 'true']]);
  });

  test('a column that no file has, a value of another type, and a broken file fail', async () => {
    await parquet('a.parquet', `select 'web' as project, 'many' as bytes, null as seen, 1 as cost`);
    const read = (format: object) =>
      ask(
        { type: 'parquet', columns: format },
        `select project from logs where ${ALWAYS} and bytes > 0`,
      );
    await expect(read({ ...columns, away: 'text' })).rejects.toMatchObject({
      message: expect.stringContaining('away'),
    });
    await expect(read(columns)).rejects.toMatchObject({
      message: expect.stringContaining('many'),
    });
    write('b.parquet', 'PAR1 this is none PAR1');
    await expect(read(['project', 'bytes'])).rejects.toMatchObject({
      message: expect.stringContaining('b.parquet'),
    });
  });
});

test('without quotes each line is by itself, whatever quotes it has', async () => {
  const format = { type: 'delimited', delimiter: ' ', quote: '', columns: ['a', 'b', 'c'] };
  const odd = [
    '"',
    'open "unbalanced',
    '"a b c',
    'a "b c d',
    'a b\\" c',
    'a "" c',
    '\u0002',
    'a b',
  ];
  const good = Array.from({ length: 500 }, () => 'x "y z" more');
  write('a.log', `${[...good, ...odd.flatMap((line) => [line, ...good])].join('\n')}\n`);
  const sql = `select a, count(*) as value from logs where ${ALWAYS} group by 1 order by 1`;
  expect(await ask(format, sql)).toMatchObject({
    rows: [
      ['"a', '1'],
      ['a', '3'],
      ['x', '4500'],
    ],
    unmatchedLines: 4n,
  });
});

describe('lines that are no UTF-8', () => {
  const format = { type: 'delimited', delimiter: ' ', columns: ['a', 'b', 'c', 'd'] };
  const bad = Buffer.from([0x78, 0xff, 0xfe]);
  const lines = (...all: (string | Buffer)[]) =>
    Buffer.concat(all.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]));
  const withBad = (place: number) =>
    Buffer.concat(
      [0, 1, 2, 3].flatMap((i) => [
        i === place ? bad : Buffer.from(`v${i}`),
        Buffer.from(i < 3 ? ' ' : ''),
      ]),
    );

  test.each([
    ['select count(*) as value, a as project from logs where :start < :end group by 2', 0],
    ['select count(*) as value, a as project from logs where :start < :end group by 2', 3],
    ['select count(*) as value, d as project from logs where :start < :end group by 2', 0],
    ['select count(*) as value, d as project from logs where :start < :end group by 2', 3],
    [`select count(*) as value, 'x' as project from logs where :start < :end`, 1],
  ])('are read or counted, whatever the query reads: %s, column %i', async (sql, place) => {
    for (let file = 0; file < 3; file += 1) {
      const good = Array.from({ length: 3_000 }, () => 'v0 v1 v2 v3');
      good.splice(1_000 * file, 0, 'short');
      const all: (string | Buffer)[] = [...good];
      for (const at of [0, 7, 1_500, 3_000]) all.splice(at, 0, withBad(place));
      write(`${file}.log${file === 1 ? '.gz' : ''}`, lines(...all));
    }
    const { rows, unmatchedLines } = await ask(format, sql);
    const read = rows.reduce((sum, [value]) => sum + Number(value), 0);
    expect(read).toBeGreaterThanOrEqual(9_000);
    // 4 of them and one that is short in each file.
    expect(read + Number(unmatchedLines)).toBe(9_015);
  });
});
