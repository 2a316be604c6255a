import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import pg from 'pg';
import { plainArray, textArray } from './array-parameter.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

test('Postgres reads every element as it was given, null included', async () => {
  const { rows } = await client.query<{ n: string | null; t: Date | null }>(
    'select n::text, t from unnest($1::numeric[], $2::timestamptz[]) as u (n, t)',
    [
      plainArray(['-0.000000000001', 9_007_199_254_740_991, null]),
      plainArray(['2026-01-31T23:59:59.999Z', null, '2026-02-01T00:00:00Z']),
    ],
  );
  expect(rows).toEqual([
    { n: '-0.000000000001', t: new Date('2026-01-31T23:59:59.999Z') },
    { n: '9007199254740991', t: null },
    { n: null, t: new Date('2026-02-01T00:00:00Z') },
  ]);
});

test('no elements are an empty array', async () => {
  const { rows } = await client.query('select cardinality($1::bigint[]) as n', [plainArray([])]);
  expect(rows).toEqual([{ n: 0 }]);
});

test('text of any kind comes back as it is', async () => {
  const texts = [
    'a',
    '',
    'null',
    'NULL',
    null,
    'a,b',
    '{}',
    '"',
    '\\',
    '\\"',
    ' a ',
    'é😀',
    'a\nb',
    "'",
    'a/b=c',
  ];
  const { rows } = await client.query<{ t: string | null }>('select unnest($1::text[]) as t', [
    textArray(texts),
  ]);
  expect(rows.map(({ t }) => t)).toEqual(texts);
});
