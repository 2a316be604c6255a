import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import type { PlantedBug } from './planted-bug.ts';
import type { Scenario } from './scenario.ts';
import { System } from './system.ts';

const START_DEADLINE_MS = 120_000;
const ROUNDS_DEADLINE_MS = 600_000;
/** Faults strike at random moments, and a bug may be lucky. It must not be lucky so often. */
const ROUNDS = 3;

/**
 * Registers the proof that a scenario catches a bug: on a build that has it, the check that passes on the product must
 * report violations. Prints what was caught, and by which test.
 * @param catches one violation at least is of this kind, so that noise does not pass for a catch.
 */
export function plantedTest(bug: PlantedBug, scenario: Scenario, catches: RegExp): void {
  let system: System;

  beforeAll(async () => {
    system = await System.start({ ...scenario.system, bug });
  }, START_DEADLINE_MS);

  afterAll(async () => {
    await system?.stop();
    await scenario.end?.();
  }, START_DEADLINE_MS);

  test(
    `planted bug: ${bug.name}: is caught by "${scenario.name}"`,
    async () => {
      const [seed = 0] = seedsOfThisRun(1);
      let violations: readonly string[] = [];
      let caught: string | undefined;
      for (let round = 0; round < ROUNDS && caught === undefined; round += 1) {
        violations = await scenario.run(system, seededRandom(seed + round));
        caught = violations.find((violation) => catches.test(violation));
      }
      const planted = system.services.flatMap(({ logs }) => logs).join('\n');
      expect(planted).toContain('planted bug: ');
      expect(violations).toContainEqual(expect.stringMatching(catches));
      process.stdout.write(
        `PLANTED ${bug.name} → caught by "${scenario.name}" (SEED=${seed}): ${caught}\n`,
      );
    },
    ROUNDS_DEADLINE_MS,
  );
}
