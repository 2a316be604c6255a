import { expect, test } from '@jest/globals';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { createTestDatabase } from '@odometer/testing/test-database';
import { raceWithClose } from './race-with-close.ts';

const DEADLINE_MS = 120_000;

for (const seed of seedsOfThisRun(1)) {
  test(
    `usage that races with a close over 8 connections is in one month or in an adjustment, and the closer is not starved (SEED=${seed})`,
    () => race(seed, false),
    DEADLINE_MS,
  );

  test(
    `the same while days are refreshed all the time and statements fail: no change is missed (SEED=${seed})`,
    () => race(seed, true),
    DEADLINE_MS,
  );
}

async function race(seed: number, refreshing: boolean): Promise<void> {
  const { url, drop } = await createTestDatabase();
  try {
    expect(await raceWithClose({ url, random: seededRandom(seed), refreshing })).toEqual([]);
  } finally {
    await drop();
  }
}
