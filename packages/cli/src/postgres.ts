import { checkSchema } from '@odometer/database/migrate';
import { createPool, type Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { readPostgresSettings } from './settings.ts';

/**
 * Lends a pool to one command, and closes it.
 *
 * @throws OdometerError `schema_mismatch` before anything else is done; `postgres_unavailable`.
 */
export async function withPostgres<Result>(work: (pool: Pool) => Promise<Result>): Promise<Result> {
  const { databaseUrl } = readPostgresSettings();
  const pool = createPool(
    { url: databaseUrl, applicationName: 'odometer-cli', maxConnections: 2 },
    // Whoever uses the connection gets the error; an idle one is not missed.
    () => {},
  );
  return translatingOutages(async () => {
    try {
      await checkSchema(pool);
      return await work(pool);
    } finally {
      await pool.end();
    }
  });
}

/** Turns what the driver says of an unreachable Postgres into `postgres_unavailable`. */
export async function translatingOutages<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const reason = outageReason(error);
    if (reason === undefined) throw error;
    throw new OdometerError('postgres_unavailable', { reason }, { cause: error });
  }
}

/** SQLSTATE classes: connection exceptions, wrong password, no such database, operator intervention. */
const OUTAGE_SQLSTATE = /^(08|28|3D|57P)/;

/** Of these, what is as wrong a minute later: a role, a password, a rule of pg_hba.conf or a database that is not there. */
const REFUSAL_SQLSTATE = /^(28|3D)/;

/** Whether Postgres did answer, and will not have us: waiting would only hide what is wrong. */
export function isRefusal({ cause }: OdometerError): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    typeof cause.code === 'string' &&
    REFUSAL_SQLSTATE.test(cause.code)
  );
}

function outageReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Several addresses were tried, none answered.
  if (error instanceof AggregateError) return outageReason(error.errors[0]);
  if ('syscall' in error) return error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (OUTAGE_SQLSTATE.test(code)) return error.message;
  return /timeout exceeded|Connection terminated/i.test(error.message) ? error.message : undefined;
}
