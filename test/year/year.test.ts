import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { checkGauges } from './check-gauges.ts';
import {
  checkCharges,
  checkManifests,
  checkOrganizationViews,
  checkSnapshots,
  checkThatAllIsFinal,
} from './check-periods.ts';
import {
  checkFrozenLifetimes,
  checkHours,
  checkLifetimes,
  checkMonths,
  checkThatItAddsUp,
} from './check-sums.ts';
import { checkThatEditsAreFound, checkVerification } from './check-verification.ts';
import { END_MS, SimulatedYear, type YearCounts } from './simulate-year.ts';

const DEADLINE_MS = 600_000;
const FEW_SEEDS = 1;

// Nobody kills this one, so that it need not wait for its disk.
let redis: Awaited<ReturnType<typeof startTestRedis>>;
let database: TestDatabase | undefined;
let year: SimulatedYear | undefined;

beforeAll(async () => {
  redis = await startTestRedis({ appendonly: 'no' });
}, 60_000);
afterAll(() => redis?.stop());
afterEach(async () => {
  await year?.close();
  await database?.drop();
});

for (const seed of seedsOfThisRun(FEW_SEEDS)) {
  test(
    `after a rough year everything adds up, everything sent is there once, and every month is final (SEED=${seed})`,
    async () => {
      const { redisUrl, url } = await begin();
      year = new SimulatedYear(seededRandom(seed), { url, redisUrl });
      const startedAt = performance.now();
      await year.run();
      const db = year.pool;
      process.stdout.write(
        `YEAR ${seed} ${Math.round(performance.now() - startedAt)} ms ${JSON.stringify(year.counts)}\n`,
      );
      expect(tooEasy(year.counts)).toEqual([]);
      expect([
        ...year.periods.violations,
        ...(await checkHours(db, year.sent)),
        ...(await checkMonths(db, year.sent)),
        ...(await checkThatItAddsUp(db)),
        ...(await checkLifetimes(db, year.sent)),
        ...(await checkFrozenLifetimes(db)),
        ...(await checkThatAllIsFinal(db, END_MS)),
        ...(await checkSnapshots(db, year.world.startMs, END_MS)),
        ...(await checkManifests(db)),
        ...(await checkCharges(db)),
        ...(await checkOrganizationViews(db)),
        ...(await checkGauges(db, year.world.projects, year.usage.readings, END_MS)),
        ...(await checkVerification(db)),
        ...(await checkThatEditsAreFound(db, seed)),
      ]).toEqual([]);
      process.stdout.write(`CHECKED ${Math.round(performance.now() - startedAt)} ms\n`);
    },
    DEADLINE_MS,
  );
}

/** What hardly happened in the year; then what was found says little. */
function tooEasy(counts: YearCounts): readonly string[] {
  return Object.entries(counts).flatMap(([name, count]) =>
    count < 3 ? [`${name}: ${count}`] : [],
  );
}

async function begin(): Promise<{ readonly url: string; readonly redisUrl: string }> {
  database = await createTestDatabase();
  return { url: database.url, redisUrl: redis.url };
}
