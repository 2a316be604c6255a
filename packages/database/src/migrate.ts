import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { OdometerError } from '@odometer/domain/errors';
import pg from 'pg';
import type { Queryable } from './pool.ts';

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../migrations', import.meta.url));
const MIGRATIONS_TABLE = 'schema_migrations';

/**
 * Brings the schema up to this version. Safe to run by several at once: one migrates under an advisory lock, the others
 * wait and find nothing to do. Refuses a schema whose applied migrations are not a prefix of ours.
 *
 * @param databaseUrl without one, the conventional `PG*` variables are used.
 * @returns the names of the migrations that were applied now.
 */
export async function migrate(
  databaseUrl: string | undefined,
  log: (line: string) => void = () => {},
): Promise<readonly string[]> {
  // Loaded only here: every service imports this file for checkSchema, and the migrator would cost each some 6 MB.
  const { runner } = await import('node-pg-migrate');
  const client = new pg.Client({
    ...(databaseUrl === undefined ? {} : { connectionString: databaseUrl }),
    // An address where nobody answers would hold us for minutes.
    connectionTimeoutMillis: 5_000,
  });
  await client.connect();
  try {
    const applied = await runner({
      dbClient: client,
      dir: MIGRATIONS_FOLDER,
      direction: 'up',
      migrationsTable: MIGRATIONS_TABLE,
      // Each file in a transaction of its own: a failing one leaves those before it in place.
      singleTransaction: false,
      advisoryLockMode: 'wait',
      checkOrder: true,
      log,
    });
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

/** The migrations of this version, in order. */
export async function knownMigrations(): Promise<readonly string[]> {
  const files = await readdir(MIGRATIONS_FOLDER);
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.replace(/\.sql$/, ''))
    .sort();
}

/**
 * Refuses to work on a schema that is not this version's: writing usage to a table that means something else is worse
 * than not starting.
 *
 * @throws OdometerError `schema_mismatch` naming the first difference.
 */
export async function checkSchema(db: Queryable): Promise<void> {
  const known = await knownMigrations();
  const exists = await db.query<{ found: string | null }>('select to_regclass($1)::text as found', [
    MIGRATIONS_TABLE,
  ]);
  const applied =
    exists.rows[0]?.found == null
      ? []
      : (
          await db.query<{ name: string }>(`select name from ${MIGRATIONS_TABLE} order by id`)
        ).rows.map(({ name }) => name);
  const length = Math.max(known.length, applied.length);
  for (let i = 0; i < length; i += 1) {
    if (known[i] !== applied[i]) {
      throw new OdometerError('schema_mismatch', {
        expected: known[i] ?? 'nothing more',
        found: applied[i] ?? 'nothing',
      });
    }
  }
}
