import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** Longer than a job's lock lives (10 s) and than stalled jobs wait to be found (5 s). */
const SLEEP_MS = 16_000;

/**
 * A worker sleeps in the middle of its transactions, another one takes up its jobs, and it wakes up and goes on: each job
 * of its hands runs twice, at the same time.
 */
export const sleepingWorker: Scenario = {
  name: 'totals are exact when a worker sleeps until its jobs are given to another, and wakes up',
  system: { workers: 2 },
  async run(system, random) {
    const sleep = async () => {
      const { process } = random.pick(system.workers);
      process.signal('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
      process.signal('SIGCONT');
    };
    const violations = await underLoad(system, random, [sleep]);
    return [...violations, ...(await compare(system))];
  },
};
