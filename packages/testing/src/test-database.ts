import { randomBytes } from 'node:crypto';
import { migrate } from '@odometer/database/migrate';
import { type PostgresServer, startPostgres } from '@odometer/local-stack/postgres';
import pg from 'pg';
import { SHARED_POSTGRES_VARIABLE } from './jest/shared-postgres-variable.ts';
import { TestServer } from './test-server.ts';

const TEMPLATE = 'odometer_template';
/** Any number, as long as it is the same in every worker of a run. */
const TEMPLATE_LOCK = 7_011_001;

/** A database of one test file, with the whole schema. */
export interface TestDatabase {
  readonly url: string;
  /** Ends every session in it and removes it. */
  drop(): Promise<void>;
}

function onDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function sharedPostgresUrl(): string {
  const url = process.env[SHARED_POSTGRES_VARIABLE];
  if (url === undefined) {
    throw new Error(
      'no Postgres of this jest run: is globalSetup of packages/testing registered in jest.config.js?',
    );
  }
  return url;
}

/**
 * Migrates the template once a run: the first worker that comes does it, the others wait for its
 * lock. It gets its name when it is whole, so that a failed migration is tried again, not cloned.
 */
async function ensureTemplate(url: string, client: pg.Client): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
      TEMPLATE,
    ]);
    if (rowCount === 1) return;
    const unfinished = `${TEMPLATE}_unfinished`;
    await client.query(`drop database if exists ${unfinished} with (force)`);
    await client.query(`create database ${unfinished}`);
    await migrate(onDatabase(url, unfinished));
    await client.query(`alter database ${unfinished} rename to ${TEMPLATE}`);
  } finally {
    await client.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

/** A database that has its URL already, for what connects when it is first used, and is there after `create`. */
export function plannedTestDatabase({ migrated = true } = {}): TestDatabase & {
  create(): Promise<void>;
} {
  const url = sharedPostgresUrl();
  const name = `test_${randomBytes(8).toString('hex')}`;
  return {
    url: onDatabase(url, name),
    create: () =>
      withClient(url, async (client) => {
        if (migrated) await ensureTemplate(url, client);
        await client.query(`create database ${name} ${migrated ? `template ${TEMPLATE}` : ''}`);
      }),
    drop: () =>
      withClient(url, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/**
 * A fresh database with the whole schema, cloned in milliseconds from one that is migrated once per
 * jest run, in the Postgres that all test files share. That server does not wait for its disk
 * (`fsync=off`); tests that crash Postgres take `startTestPostgres`.
 * @param migrated false for an empty database, as migrations' own tests need it.
 */
export async function createTestDatabase(
  options: { readonly migrated?: boolean } = {},
): Promise<TestDatabase> {
  const database = plannedTestDatabase(options);
  await database.create();
  return database;
}

/**
 * A durable Postgres of this test file's own, migrated, for tests that kill it. `url` is its
 * database; `server.stopAs('immediate')` stops it as in a crash. Call `stop()` in `afterAll`.
 */
export async function startTestPostgres(): Promise<TestServer<PostgresServer>> {
  const postgres = await TestServer.launch('postgres', (place) =>
    startPostgres({ ...place, durable: true }),
  );
  await migrate(postgres.url);
  return postgres;
}
