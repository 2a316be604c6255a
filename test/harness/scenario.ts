import type { SeededRandom } from '@odometer/testing/seeded-random';
import type { System, SystemOptions } from './system.ts';

/** Faults under load, and what must hold all the same. Run on the product, and on builds with planted bugs. */
export interface Scenario {
  /** As a guarantee: `totals are exact when …`. */
  readonly name: string;
  readonly system: SystemOptions;
  /**
   * May be run several times on one system.
   * @returns one sentence for each violation, empty when all is as it should be.
   */
  readonly run: (system: System, random: SeededRandom) => Promise<readonly string[]>;
  /** Ends what `run` or `system` has opened besides the system; called once, at the very end. */
  readonly end?: () => Promise<void>;
}
