import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** Two of them, so that retries meet another instance. Clients send what was not acknowledged again, under the same ids. */
export const killIngestApi: Scenario = {
  name: 'totals are exact when ingest-api is killed',
  system: { ingests: 2 },
  async run(system, random) {
    const kill = async () => random.pick(system.ingests).kill();
    const violations = await underLoad(system, random, [kill, kill, kill]);
    return [...violations, ...(await compare(system))];
  },
};
