import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** Clients send what was not acknowledged again, under the same ids. */
export const killIngestApi: Scenario = {
  name: 'totals are exact when ingest-api is killed',
  system: {},
  async run(system, random) {
    const kill = async () => system.ingest?.kill();
    const violations = await underLoad(system, random, [kill, kill, kill]);
    return [...violations, ...(await compare(system))];
  },
};
