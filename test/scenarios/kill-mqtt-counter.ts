import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** Messages that were flushed but not acknowledged come again, and so do those that were neither. */
export const killMqttCounter: Scenario = {
  name: 'totals are exact when mqtt-counter is killed',
  system: {},
  async run(system, random) {
    const kill = async () => system.counter?.kill();
    const violations = await underLoad(system, random, [kill, kill, kill]);
    return [...violations, ...(await compare(system))];
  },
};
