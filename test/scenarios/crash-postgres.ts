import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** Every session ends in the middle of whatever it does, and the server recovers from its log. */
export const crashPostgres: Scenario = {
  name: 'totals are exact when Postgres is stopped with -m immediate',
  system: {},
  async run(system, random) {
    const crash = async () => {
      await system.postgres.server.stopAs('immediate');
      await system.postgres.start();
    };
    const violations = await underLoad(system, random, [crash, crash]);
    return [...violations, ...(await compare(system))];
  },
};
