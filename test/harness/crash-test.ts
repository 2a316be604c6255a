import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import type { Scenario } from './scenario.ts';
import { System } from './system.ts';

const START_DEADLINE_MS = 120_000;
const ROUND_DEADLINE_MS = 300_000;
/**
 * Each seed is a round of its own on the same system: totals add up over all of them. One is enough where every run has another;
 * `make test-long` has many.
 */
const FEW_SEEDS = 1;

/** Registers a scenario as tests of the product: one for each seed, and one for its end. */
export function crashTest(scenario: Scenario): void {
  let system: System;

  beforeAll(async () => {
    system = await System.start(scenario.system);
  }, START_DEADLINE_MS);

  afterAll(async () => {
    await system?.stop();
    await scenario.end?.();
  }, START_DEADLINE_MS);

  for (const seed of seedsOfThisRun(FEW_SEEDS)) {
    test(
      `${scenario.name} (SEED=${seed})`,
      async () => {
        const violations = await scenario.run(system, seededRandom(seed));
        report(violations, `${scenario.name} ${seed}`);
      },
      ROUND_DEADLINE_MS,
    );
  }

  test(
    `${scenario.name}; then everything stops cleanly`,
    async () => {
      const before = await system.db.query('select sum(count) from usage_monthly');
      const violations = [...(await system.stopServices())];
      const after = await system.db.query('select sum(count) from usage_monthly');
      expect(after.rows).toEqual(before.rows);
      report(violations, `${scenario.name} stop`);
    },
    START_DEADLINE_MS,
  );

  function report(violations: readonly string[], name: string): void {
    if (violations.length === 0) return;
    const directory = system.saveLogs(name.replace(/[^a-z0-9]+/gi, '-'));
    expect([...violations, `logs: ${directory}`]).toEqual([]);
  }
}
