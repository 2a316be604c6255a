import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { DECLARATION } from '../../../../test/posthoc-fixture.ts';
import { athenaQuery } from './athena-query.ts';

const TABLE = { region: 'eu-central-1', workgroup: 'w', database: 'logs', table: 'alb' };
const UNMATCHED = { unmatchedWhen: 'type is null -- of RegexSerDe' };
const PARTITIONS = { partitions: [{ column: 'day', format: 'yyyy/MM/dd' }] };
const SQL = `select project, count(*) as value from logs where seen >= :start and seen < :end group by 1 -- :start`;

function query(athena: object, sql = SQL, at = '2026-08-15T23:00:00Z') {
  const metric = posthocDeclarationSchema.parse({
    ...DECLARATION,
    source: undefined,
    engine: 'athena',
    sql,
    athena: { ...TABLE, ...athena },
  });
  if (metric.athena === undefined) throw new Error('it was declared');
  const startMs = Date.parse(at);
  return athenaQuery({ metric, startMs, endMs: startMs + 3_600_000 }, metric.athena);
}

test('values are parameters, in the order of their question marks, and the text is the same for each window', () => {
  const { text, parameters } = query({ ...UNMATCHED, ...PARTITIONS });
  expect(parameters).toEqual([
    "'2026/08/15'",
    "'2026/08/16'",
    "CAST('2026-08-15 23:00:00.000' AS timestamp)",
    "CAST('2026-08-16 00:00:00.000' AS timestamp)",
  ]);
  expect(
    text,
  ).toBe(`with odometer_lines as (select * from "AwsDataCatalog"."logs"."alb" where ("day" between ? and ?)),
logs as (select * from odometer_lines where not coalesce((type is null -- of RegexSerDe
), false)),
odometer_answer as (
select project, count(*) as value from logs where seen >= ? and seen < ? group by 1 -- :start
)
select odometer_lost.lines as odometer_unmatched, odometer_rows.*
from (select count_if(coalesce((type is null -- of RegexSerDe
), false)) as lines from odometer_lines) odometer_lost
left join (select 1 as odometer_row, odometer_answer.* from odometer_answer) odometer_rows on true`);
  const another = query({ ...UNMATCHED, ...PARTITIONS }, SQL, '2026-12-01T00:00:00Z');
  expect(another.text).toBe(text);
  expect(another.parameters).not.toEqual(parameters);
});

test('without partitions it is the whole table, and without a condition nothing is read twice', () => {
  const { text, parameters } = query({});
  expect(parameters).toHaveLength(2);
  expect(text).toContain('(select * from "AwsDataCatalog"."logs"."alb")');
  expect(text).toContain('logs as (select * from odometer_lines)');
  expect(text.match(/from odometer_lines/g)).toHaveLength(1);
});

test('partitions by several columns', () => {
  const partitions = ['yyyy', 'MM', 'dd'].map((format, i) => ({ column: `p${i}`, format }));
  const { text, parameters } = query({ partitions, lateHours: 0 });
  expect(text).toContain('where ("p0" = ? and "p1" = ? and "p2" between ? and ?)');
  expect(parameters.slice(0, 4)).toEqual(["'2026'", "'08'", "'15'", "'15'"]);
});

/** DuckDB takes the query, too; it stands for Athena's as far as the query is SQL that all have. */
async function run(athena: object, sql: string, rows: readonly string[]) {
  const { text, parameters } = query(athena, sql);
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    await connection.run(`attach ':memory:' as "AwsDataCatalog"`);
    await connection.run('create schema "AwsDataCatalog".logs');
    await connection.run(
      'create table "AwsDataCatalog".logs.alb (type text, project text, seen timestamp, day text)',
    );
    if (rows.length > 0) {
      await connection.run(`insert into "AwsDataCatalog".logs.alb values ${rows.join(', ')}`);
    }
    const values = [...parameters];
    const bound = text.replace(/--[^\n]*|\?/g, (found) =>
      found === '?' ? (values.shift() ?? '') : found,
    );
    const reader = await connection.runAndReadAll(bound);
    return { columns: reader.columnNames(), rows: reader.getRowsJson() };
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

const LINES = [
  `('h2', 'web', '2026-08-15 23:00:00', '2026/08/15')`,
  `('h2', 'web', '2026-08-15 23:59:59.9', '2026/08/16')`,
  `('h2', 'web', '2026-08-16 00:00:00', '2026/08/16')`,
  `('h2', 'app', '2026-08-15 23:30:00', '2026/08/15')`,
  // In no partition of the window.
  `('h2', 'old', '2026-08-15 23:30:00', '2026/08/14')`,
  '(null, null, null, null)',
  `(null, null, null, '2026/08/15')`,
  `(null, null, null, '2026/08/16')`,
];

test('of the window are the rows of its partitions, those delivered the day after included; unmatched lines are counted and in no row', async () => {
  const { columns, rows } = await run({ ...UNMATCHED, ...PARTITIONS }, `${SQL} order by 1`, LINES);
  expect(columns).toEqual(['odometer_unmatched', 'odometer_row', 'project', 'value']);
  expect(rows.toSorted()).toEqual([
    ['2', 1, 'app', '1'],
    ['2', 1, 'web', '2'],
  ]);
});

test('what could not be read is told of an answer without rows, too, which is no row', async () => {
  const lost = LINES.slice(5);
  expect((await run({ ...UNMATCHED, ...PARTITIONS }, SQL, lost)).rows).toEqual([
    ['2', null, null, null],
  ]);
  expect((await run(PARTITIONS, SQL, [])).rows).toEqual([['0', null, null, null]]);
});

test('a row that is null throughout is a row all the same, and a condition that is null is not true', async () => {
  const nulls = 'select null as project, null as value from logs where :start < :end';
  const at = { unmatchedWhen: "type = 'lost'", ...PARTITIONS };
  expect((await run(at, nulls, [LINES[6] ?? ''])).rows).toEqual([['0', 1, null, null]]);
});

test('a query may have common table expressions, and a project id a quote', async () => {
  const sql = `with mine as (select * from logs where seen >= :start and seen < :end)
    select project, count(*) as value from mine where project = 'it''s?' group by 1;`;
  const line = `('h2', 'it''s?', '2026-08-15 23:00:00', '2026/08/15')`;
  const { text, parameters } = query(PARTITIONS, sql);
  expect(parameters).toHaveLength(4);
  expect(text).toContain("project = 'it''s?' group by 1\n)");
  expect((await run(PARTITIONS, sql.replace('?', ''), [line.replace('?', '')])).rows).toEqual([
    ['0', 1, "it's", '1'],
  ]);
});
