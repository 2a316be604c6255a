import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

const LONGEST_WAIT_MS = 300;

/**
 * Messages that were flushed but not acknowledged come again, and so do those that were neither. Once it dies while Redis
 * is away, with a flush in hand that nobody else has.
 */
export const killMqttCounter: Scenario = {
  name: 'totals are exact when mqtt-counter is killed',
  system: {},
  async run(system, random) {
    const kill = async () => system.counter?.kill();
    const killWithoutRedis = async () => {
      await system.redis.kill();
      await new Promise((resolve) => setTimeout(resolve, random.integer(150, LONGEST_WAIT_MS)));
      await system.counter?.kill();
      await system.redis.start();
    };
    const faults = random.shuffle([kill, kill, killWithoutRedis]);
    const violations = await underLoad(system, random, faults);
    return [...violations, ...(await compare(system))];
  },
};
