import { type Macros, translated } from './macro.ts';

/** https://trino.io/docs/current/functions/datetime.html#mysql-date-functions, as strftime has it. */
const MYSQL_PARTS = [
  ['%%', '%%'],
  ['%a', '%a'],
  ['%b', '%b'],
  ['%c', '%-m'],
  ['%d', '%d'],
  ['%e', '%-d'],
  ['%f', '%f'],
  ['%H', '%H'],
  ['%h', '%I'],
  ['%I', '%I'],
  ['%i', '%M'],
  ['%j', '%j'],
  ['%k', '%-H'],
  ['%l', '%-I'],
  ['%M', '%B'],
  ['%m', '%m'],
  ['%p', '%p'],
  ['%r', '%I:%M:%S %p'],
  ['%S', '%S'],
  ['%s', '%S'],
  ['%T', '%H:%M:%S'],
  ['%W', '%A'],
  ['%Y', '%Y'],
  ['%y', '%y'],
] as const;

/** https://www.joda.org/joda-time/apidocs/org/joda/time/format/DateTimeFormat.html, as far as it is used of times in logs. */
const JODA_PARTS = [
  [`'T'`, 'T'],
  [`'Z'`, 'Z'],
  ['yyyy', '%Y'],
  ['YYYY', '%Y'],
  ['MMMM', '%B'],
  ['MMM', '%b'],
  ['MM', '%m'],
  ['dd', '%d'],
  ['EEEE', '%A'],
  ['EEE', '%a'],
  ['HH', '%H'],
  ['hh', '%I'],
  ['mm', '%M'],
  ['ss', '%S'],
  ['SSS', '%g'],
  ['a', '%p'],
] as const;

/** With a branch of no known type, without which `create macro` takes it for a format that is not constant, and refuses it. */
const format = (sql: string) => `case when f is null then f else ${sql} end`;
const mysql = format(translated('f', MYSQL_PARTS, '%'));
const joda = format(translated('f', JODA_PARTS, `[A-Za-z'%]`));

/** Functions of times. All times are UTC; those with a zone are without one here. */
export const DATE_MACROS: Macros = [
  // A cast to a timestamp leaves an offset out, without a word. The zone of the connection is UTC; to ask it takes longer.
  [
    'from_iso8601_timestamp',
    's',
    `case when ends_with(s, 'Z') then cast(s as timestamp) else cast(s as timestamptz) at time zone 'UTC' end`,
  ],
  ['from_iso8601_date', 's', 'cast(s as date)'],
  ['from_unixtime', 'x', 'make_timestamp(cast(round(x * 1000) as bigint) * 1000)'],
  ['to_unixtime', 't', 'epoch(t)'],
  ['date_parse', 's, f', `strptime(s, ${mysql})`],
  ['date_format', 't, f', `strftime(t, ${mysql})`],
  ['parse_datetime', 's, f', `strptime(s, ${joda})`],
  ['format_datetime', 't, f', `strftime(t, ${joda})`],
  ['to_iso8601', 't', `strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ')`],
  // Whole units between the two; DuckDB's counts the turns of the unit.
  ['date_diff', 'u, a, b', 'date_sub(u, a, b)'],
  ['date_add', 'u, n, t', `t + cast(n || ' ' || u as interval)`],
  ['day_of_week', 't', 'isodow(t)'],
  ['day_of_year', 't', 'dayofyear(t)'],
  ['day_of_month', 't', 'day(t)'],
];
