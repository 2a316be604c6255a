import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** Two workers, so that one goes on while the other's jobs wait to be found stalled. */
export const killStatsWorker: Scenario = {
  name: 'totals are exact when stats-worker is killed',
  system: { workers: 2 },
  async run(system, random) {
    const kill = async () => random.pick(system.workers).kill();
    const violations = await underLoad(system, random, [kill, kill, kill]);
    return [...violations, ...(await compare(system))];
  },
};
