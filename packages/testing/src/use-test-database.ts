import { afterAll, beforeAll } from '@jest/globals';
import { createPool, type Pool } from '@odometer/database/pool';
import { plannedTestDatabase } from './test-database.ts';

/**
 * A database for all tests of the file that calls this at its top, with the whole schema; hooks that come after fill it.
 * @param maxConnections of its pool. @default 4: a few that run side by side
 */
export function useTestDatabase({ maxConnections = 4 } = {}): {
  readonly url: string;
  readonly pool: Pool;
} {
  const database = plannedTestDatabase();
  const pool = createPool({ url: database.url, applicationName: 'test', maxConnections }, () => {});
  beforeAll(() => database.create(), 60_000);
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  return { url: database.url, pool };
}
