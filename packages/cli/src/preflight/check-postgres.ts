import { checkSchema } from '@odometer/database/migrate';
import { createPool } from '@odometer/database/pool';
import { isOdometerError } from '@odometer/domain/errors';
import { translatingOutages } from '../postgres.ts';
import { type Check, failed, passed } from './check.ts';

const MIN_MAJOR_VERSION = 15;

/** Postgres answers, is new enough, and has this version's schema. */
export async function checkPostgres(url: string | undefined): Promise<readonly Check[]> {
  const pool = createPool({ url, applicationName: 'odometer-cli', maxConnections: 1 }, () => {});
  const checks: Check[] = [];
  try {
    await translatingOutages(async () => {
      const { rows } = await pool.query<{ version: string; number: string }>(
        "select current_setting('server_version') as version, current_setting('server_version_num') as number",
      );
      const { version = '', number = '0' } = rows[0] ?? {};
      checks.push(
        Number(number) >= MIN_MAJOR_VERSION * 10_000
          ? passed('postgres', `version ${version}`)
          : failed('postgres', `version ${version}`, `upgrade it to ${MIN_MAJOR_VERSION} or later`),
      );
      await checkSchema(pool);
      checks.push(passed('schema', "is this version's"));
    });
  } catch (error) {
    if (!isOdometerError(error)) throw error;
    checks.push(
      error.code === 'schema_mismatch'
        ? failed('schema', error, 'run `odometer migrate`')
        : failed('postgres', error, 'start it, or correct DATABASE_URL'),
    );
  } finally {
    await pool.end();
  }
  return checks;
}
