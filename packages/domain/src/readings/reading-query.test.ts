import { describe, expect, test } from '@jest/globals';
import { parseReadingQuery } from './reading-query.ts';

const textOf = (sql: string): string => {
  const parsed = parseReadingQuery(sql);
  return typeof parsed === 'string' ? `refused: ${parsed}` : parsed.text;
};

describe('named parameters', () => {
  test('become positions, however often they stand there', () => {
    expect(textOf('select :start, :end, :start')).toBe('select $1, $2, $1');
    expect(textOf('where at>=:start and at<:end')).toBe('where at>=$1 and at<$2');
    expect(textOf('select (:start)::date, :end::timestamptz')).toBe(
      'select ($1)::date, $2::timestamptz',
    );
  });

  test.each([
    ['in a string', `select ':start' , 'it''s :end'`],
    ['in a string with escapes', `select e'it\\'s :start', E'\\\\'`],
    ['in a quoted identifier', `select ":start" from "a"":end"`],
    ['in a comment', 'select 1 -- :start\n, 2 /* :end /* :start */ :end */'],
    ['between dollars', 'select $$ :start $$, $body$ :end $$ $body$'],
    ['after a cast', 'select now()::start'],
    ['in a named argument', 'select make_interval(hours := 1)'],
  ])('are left alone %s', (_where, sql) => {
    expect(parseReadingQuery(sql)).toMatchObject({ text: sql, parameters: new Set(), places: [] });
  });

  test('begin anew after what looks like a string and is none', () => {
    expect(textOf(`select a$b, 'x' || :start, $$'$$, :end`)).toBe(
      `select a$b, 'x' || $1, $$'$$, $2`,
    );
    // A backslash escapes in E strings only.
    expect(textOf(`select '\\', :start, 'x'`)).toBe(`select '\\', $1, 'x'`);
  });
});

test('a semicolon may end it, and nothing may follow but a comment', () => {
  expect(textOf('select 1; -- done\n')).toBe('select 1 -- done\n');
  expect(textOf('select 1; select 2')).toBe('refused: should be one statement');
  expect(textOf("select ';'")).toBe("select ';'");
  expect(textOf('select 1; commit')).toBe('refused: should be one statement');
});

test.each([
  ['', 'is empty'],
  ['-- nothing\n;', 'is empty'],
  ["select 'x", 'has a string without an end'],
  ['select "x', 'has a string without an end'],
  ['select $a$ x $b$', 'has a string without an end'],
  ['select 1 /* /* */', 'has a comment without an end'],
  ['select :from', 'has :from, but there are only :start and :end'],
  ['select $1', 'has $1; write :start and :end instead'],
])('%j is refused', (sql, problem) => {
  expect(parseReadingQuery(sql)).toBe(problem);
});

describe('for Athena', () => {
  const athena = (sql: string) => parseReadingQuery(sql, 'positional');

  test('places are question marks, and say which value belongs into each', () => {
    expect(
      athena(`select '?', ':end' where at < :end and at >= :start or :end > 0;`),
    ).toMatchObject({
      text: `select '?', ':end' where at < ? and at >= ? or ? > 0`,
      parameters: new Set(['start', 'end']),
      places: ['end', 'start', 'end'],
    });
  });

  test.each([
    ['select ? where :start < :end', 'has a ?; write :start and :end instead'],
    ['select time::timestamp', 'has ::, which Athena does not know; write cast(… as …)'],
    [String.raw`select e'\''`, "has e'…, which is no string in Athena"],
    ['select $$x$$', 'has $$…, which is no string in Athena'],
    ['select 1 /* a /* b */ ? */', 'has a comment in a comment'],
  ])('%j is refused, which it would read otherwise than we do', (sql, problem) => {
    expect(athena(sql)).toBe(problem);
  });
});

test('a long string takes no long time', () => {
  const long = `select '${"a''".repeat(5_000)}'`;
  expect(textOf(long)).toBe(long);
});
