import { describe, expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from './posthoc-declaration.ts';

const declaration = {
  name: 'alb',
  engine: 'duckdb',
  eventType: 'api_calls',
  window: 'hour',
  sql: 'select project, count(*) as value from logs where at >= :start and at < :end group by 1',
  source: {
    type: 'directory',
    path: 'a.log',
    format: { type: 'delimited', columns: ['project', 'at'] },
  },
};
const problems = (change: object) =>
  posthocDeclarationSchema
    .safeParse({ ...declaration, ...change })
    .error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];

test('asks again within the grace of months, unless it says otherwise', () => {
  expect(posthocDeclarationSchema.parse(declaration).revisions).toEqual(['1h', '6h', '24h', '48h']);
  expect(problems({ revisions: ['5m'] })).toEqual([]);
});

test.each([
  'SELECT 1 as value from logs where :start < :end',
  '-- of the logs\n((select 1 as value from logs where :start < :end) union all select 2)',
  'With x as (select 1) select * from x where :start < :end;',
  'with merge as (select 1) (select * from merge where :start < :end)',
])('%j is one SELECT', (sql) => {
  expect(problems({ sql })).toEqual([]);
});

describe('the engine', () => {
  const athena = { region: 'eu-central-1', workgroup: 'w', database: 'd', table: 't' };
  const chosen = (change: object) => {
    const { engine, timeoutSeconds } = posthocDeclarationSchema.parse({
      ...declaration,
      engine: undefined,
      ...change,
    });
    return [engine, timeoutSeconds];
  };

  test('is the one that has a section, DuckDB when both have one, and the one that is named', () => {
    expect(chosen({})).toEqual(['duckdb', 240]);
    expect(chosen({ source: undefined, athena })).toEqual(['athena', 2_100]);
    expect(chosen({ athena })).toEqual(['duckdb', 240]);
    expect(chosen({ athena, engine: 'athena', timeoutSeconds: 600 })).toEqual(['athena', 600]);
  });

  test.each([
    [{ source: undefined }, 'source is what duckdb reads'],
    [
      { source: undefined, engine: undefined },
      'source should be there, or athena: where the logs are',
    ],
    [{ engine: 'athena' }, 'athena is what athena reads'],
    [{ timeoutSeconds: 241 }, 'timeoutSeconds is up to 240'],
    [{ athena, engine: 'athena', timeoutSeconds: 2_101 }, 'timeoutSeconds is up to 2100'],
    [
      { athena, sql: 'select a::int from logs where :start < :end' },
      'sql has ::, which Athena does not know; write cast(… as …)',
    ],
  ])('%j is refused', (change, problem) => {
    expect(problems(change)).toContain(problem);
  });

  test('what is stored is read as it was declared', () => {
    const parsed = posthocDeclarationSchema.parse({ ...declaration, athena });
    expect(posthocDeclarationSchema.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });
});

test.each([
  [
    { sql: 'select 1' },
    'sql should have :start and :end, so that it asks for what was in one window',
  ],
  [{ sql: 'select :start, :end; drop table x' }, 'sql should be one statement'],
  [{ sql: "copy (select :start, :end) to 'x'" }, 'sql should be one SELECT'],
  [{ sql: '/* select */ drop table x where :start < :end' }, 'sql should be one SELECT'],
  [{ sql: '"select" :start, :end' }, 'sql should be one SELECT'],
  [{ revisions: ['6h', '1h'] }, 'revisions should rise'],
  [{ revisions: ['1h', '73h'] }, 'revisions are up to 72h'],
  [{ revisions: ['1 day'] }, 'revisions.0 should be like 30m or 6h'],
  [{ columns: { dimensions: ['project'] } }, 'columns should name each column once'],
  [{ columns: { value: 'n', dimensions: ['value'] } }, 'columns.dimensions.0 is taken'],
])('%j is refused', (change, problem) => {
  expect(problems(change)).toContain(problem);
});
