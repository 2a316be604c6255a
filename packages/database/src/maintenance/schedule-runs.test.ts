import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { createPool, type Pool } from '../pool.ts';
import { recordScheduleRun, scheduleRuns } from './schedule-runs.ts';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 2 }, () => {});
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('the last success of each bell is kept, also when an older one is told later', async () => {
  expect(await scheduleRuns(pool)).toEqual(new Map());
  await recordScheduleRun(pool, 'hourly', 5_000);
  await recordScheduleRun(pool, 'daily', 2_000);
  await recordScheduleRun(pool, 'hourly', 3_000);
  expect(await scheduleRuns(pool)).toEqual(
    new Map([
      ['hourly', 5_000],
      ['daily', 2_000],
    ]),
  );
});
