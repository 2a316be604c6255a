import { eventually } from '@odometer/testing/eventually';
import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

const OUTAGE_MS = 30_000;

/** No process ends meanwhile: `compare` reports every end that nobody asked for. */
export const redisAway: Scenario = {
  name: 'Redis away for 30 s is survived by every process, and totals are exact',
  system: {},
  async run(system, random) {
    const violations: string[] = [];
    const pids = system.services.map(({ process }) => process.pid);
    const outage = async () => {
      await system.redis.kill();
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
      for (const service of system.services) {
        if (await service.process.isReady())
          violations.push(`${service.instance} was ready without Redis`);
      }
      await system.redis.start();
    };
    violations.push(...(await underLoad(system, random, [outage])));
    for (const { process } of system.services) {
      await eventually(() => process.isReady(), { deadlineMs: 30_000 });
    }
    const same = system.services.every(({ process }, i) => process.pid === pids[i]);
    if (!same) violations.push('a process was restarted');
    return [...violations, ...(await compare(system))];
  },
};
