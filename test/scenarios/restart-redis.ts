import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** A restart for maintenance, as an operator does it. */
export const restartRedis: Scenario = {
  name: 'totals are exact when Redis is restarted',
  system: {},
  async run(system, random) {
    const restart = () => system.redis.restart();
    const violations = await underLoad(system, random, [restart, restart]);
    return [...violations, ...(await compare(system))];
  },
};
