import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BUILT_IN_METERS } from '@odometer/domain/meters';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { describeSchema } from '../test/describe-schema.ts';
import { checkSchema, knownMigrations, migrate } from './migrate.ts';
import { createPool, type Pool } from './pool.ts';

const SNAPSHOT = new URL('../schema.txt', import.meta.url);

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 4 }, () => {});
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

test('the schema is the committed snapshot (UPDATE_DOCS=1 writes it)', async () => {
  await migrate(database.url);
  const schema = await describeSchema(pool);
  if (process.env.UPDATE_DOCS === '1') await writeFile(SNAPSHOT, schema);
  expect(schema).toBe(await readFile(SNAPSHOT, 'utf8'));
});

test('twenty that migrate at once: each migration is applied by one of them, the others find nothing to do', async () => {
  const applied = await Promise.all(Array.from({ length: 20 }, () => migrate(database.url)));
  expect(applied.flat().sort()).toEqual(await knownMigrations());
  expect(await migrate(database.url)).toEqual([]);
});

describe('a service refuses', () => {
  test('a database without a schema', async () => {
    await expect(checkSchema(pool)).rejects.toMatchObject({ code: 'schema_mismatch' });
  });

  test('a schema older or newer than its own', async () => {
    await migrate(database.url);
    await expect(checkSchema(pool)).resolves.toBeUndefined();
    await pool.query(`insert into schema_migrations (name, run_on) values ('9999_future', now())`);
    await expect(checkSchema(pool)).rejects.toThrow('9999_future');
    await pool.query(
      'delete from schema_migrations where id = (select max(id) - 1 from schema_migrations)',
    );
    await expect(checkSchema(pool)).rejects.toMatchObject({ code: 'schema_mismatch' });
  });
});

test('the seeded meters are the catalogue’s, in its order', async () => {
  await migrate(database.url);
  const { rows } = await pool.query(
    `select slug, kind, unit, owner from meters where built_in order by id`,
  );
  expect(rows).toEqual(
    BUILT_IN_METERS.map(({ slug, kind, unit, owner }) => ({ slug, kind, unit, owner })),
  );
});
