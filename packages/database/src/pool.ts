import pg from 'pg';

/** Anything that runs one statement: a pool or a connection. The subset of pg that queries need. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(
    config: string | pg.QueryConfig,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

declare const inTransactionBrand: unique symbol;

/** A connection inside a transaction. Functions that need atomicity or a row lock demand it by type. */
export interface Transaction extends Queryable {
  readonly [inTransactionBrand]: true;
}

export type Pool = pg.Pool;

export interface PoolOptions {
  /** Connection URL; without one, pg reads the conventional `PG*` variables. */
  readonly url?: string | undefined;
  /** Shown in pg_stat_activity, so that an operator sees whose connection it is. */
  readonly applicationName: string;
  readonly maxConnections: number;
  /**
   * For those who answer people's questions: longest statement, and no just-in-time compilation, which takes a hundred times
   * longer than a page of one of the wide views. @default as the server has it
   */
  readonly statementTimeoutMs?: number;
}

/** Opens a pool; connects lazily. Errors of idle connections are reported to `onIdleError`, for nobody awaits them. */
export function createPool(options: PoolOptions, onIdleError: (error: Error) => void): Pool {
  const pool = new pg.Pool({
    ...(options.url === undefined ? {} : { connectionString: options.url }),
    application_name: options.applicationName,
    max: options.maxConnections,
    ...(options.statementTimeoutMs === undefined
      ? {}
      : { statement_timeout: options.statementTimeoutMs, options: '-c jit=off' }),
    // A database that does not answer the TCP handshake must not hold a request or a job for minutes.
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  pool.on('error', (error: Error & { client?: unknown }) => {
    // pg hangs the whole client on it, connection parameters included: nothing for a log.
    delete error.client;
    onIdleError(error);
  });
  return pool;
}

/**
 * Runs `work` in one transaction on one connection: commits when it resolves, rolls back when it throws. A connection
 * whose rollback fails is thrown away, never returned to the pool with a transaction open.
 */
export async function inTransaction<Result>(
  pool: Pool,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  // A connection that dies between two statements emits an error that nobody awaits; the next statement rejects anyway.
  const ignore = (): void => {};
  client.on('error', ignore);
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client as unknown as Transaction);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}
