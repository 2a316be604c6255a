import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { recordScheduleRun, scheduleRuns } from './schedule-runs.ts';

const { pool } = useTestDatabase();

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
