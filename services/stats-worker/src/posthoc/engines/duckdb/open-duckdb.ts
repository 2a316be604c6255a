import type { DuckDBConnection } from '@duckdb/node-api';
import { OdometerError } from '@odometer/domain/errors';

/** What the package has. */
export type DuckDb = typeof import('@duckdb/node-api');
export type Connection = DuckDBConnection;

export interface DuckDbLimits {
  readonly memoryBytes: number;
  readonly threads: number;
}

/**
 * Runs `use` on a database of its own, in memory. Nothing is kept from one query to the next.
 *
 * @param spillDirectory for what does not fit; its owner removes it.
 * @throws OdometerError `target_unavailable`: this installation has no DuckDB.
 */
export async function withDuckDb<Result>(
  { memoryBytes, threads }: DuckDbLimits,
  spillDirectory: string,
  use: (connection: Connection, duckDb: DuckDb) => Promise<Result>,
): Promise<Result> {
  // Its binding is 70 MB of native code for one processor, so it is loaded when it is first used: workers of other roles, and
  // images without it, start all the same.
  const duckDb = await import('@duckdb/node-api').catch((cause: unknown) => {
    const reason = `@duckdb/node-api cannot be loaded: ${String(cause)}`;
    throw new OdometerError('target_unavailable', { target: 'DuckDB', reason }, { cause });
  });
  const instance = await duckDb.DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.floor(memoryBytes / 1_048_576)}MiB`,
    temp_directory: spillDirectory,
    threads: String(threads),
    // Extensions would be downloaded; what is needed is built in.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    await connection.run(`set TimeZone = 'UTC'`);
    try {
      return await use(connection, duckDb);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A list of texts as an SQL literal. */
export function literals(texts: readonly string[]): string {
  return `[${texts.map(literal).join(', ')}]`;
}

/** A name of a declaration, which has nothing that would have to be escaped. */
export function quoted(name: string): string {
  return `"${name}"`;
}
