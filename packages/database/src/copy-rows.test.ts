import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { copyField, copyRows } from './copy-rows.ts';
import { createPool, inTransaction, type Pool } from './pool.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
  pool = createPool(
    { url: database.url, applicationName: 'copy-rows test', maxConnections: 1 },
    () => {},
  );
  await pool.query('create table copied (position int, text text, json jsonb)');
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('text of any kind arrives as it was, and so does null', async () => {
  const texts = ['', '\\N', '\\.', 'a\tb\nc\rd\\e\\\\', "it's; -- $1", '😀', '\\t', 'null', null];
  const rows = texts.map((text, i) => {
    const json = copyField(JSON.stringify({ text }));
    return `${i}\t${copyField(text)}\t${json}\n`;
  });
  await inTransaction(pool, (transaction) =>
    copyRows(transaction, 'copy copied (position, text, json) from stdin', rows),
  );
  const { rows: stored } = await pool.query('select text, json from copied order by position');
  expect(stored).toEqual(texts.map((text) => ({ text, json: { text } })));
});

test('a row that Postgres refuses rejects with its code, and the connection goes on', async () => {
  const copy = inTransaction(pool, (transaction) =>
    copyRows(transaction, 'copy copied (position) from stdin', [`1\nx\n`, '2\n'.repeat(100_000)]),
  );
  await expect(copy).rejects.toMatchObject({ code: '22P02' });
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a connection that ends meanwhile rejects', async () => {
  const copy = inTransaction(pool, async (transaction) => {
    await transaction.query('create temp table slow (n int)');
    await transaction.query(
      `create function pg_temp.die() returns trigger language plpgsql as
       'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'`,
    );
    await transaction.query(
      'create trigger die before insert on slow for each row execute function pg_temp.die()',
    );
    await copyRows(transaction, 'copy slow (n) from stdin', ['1\n'.repeat(1_000)]);
  });
  await expect(copy).rejects.toThrow();
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});
