import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

const LONGEST_OUTAGE_MS = 1_500;

/** What Redis has answered is on its disk; what it has not answered is tried again. */
export const killRedis: Scenario = {
  name: 'totals are exact when Redis is killed',
  system: {},
  async run(system, random) {
    const kill = async () => {
      await system.redis.kill();
      await new Promise((resolve) => setTimeout(resolve, random.integer(0, LONGEST_OUTAGE_MS)));
      await system.redis.start();
    };
    const violations = await underLoad(system, random, [kill, kill]);
    return [...violations, ...(await compare(system))];
  },
};
