import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

/** A counter stops in the middle of what it does, a second one takes over, and the first wakes up. */
export const zombieCounter: Scenario = {
  name: 'totals are exact, and the first counter ends, when it sleeps while a second takes over',
  system: {},
  async run(system, random) {
    const violations: string[] = [];
    const takeOver = async () => {
      const { counter } = system;
      if (counter === undefined) return;
      const zombie = counter.leave();
      zombie.signal('SIGSTOP');
      await counter.start();
      // From before the takeover is complete to long after it.
      if (random.next() < 0.7) await counter.process.ready(60_000);
      await new Promise((resolve) => setTimeout(resolve, random.integer(0, 500)));
      zombie.signal('SIGCONT');
      const late = new Promise<'late'>((resolve) =>
        setTimeout(() => resolve('late'), 30_000).unref(),
      );
      const exit = await Promise.race([zombie.exit, late]);
      if (exit === 'late') {
        violations.push('the first counter did not end by itself within 30 s');
        await zombie.kill();
      } else if (exit.code === 0) violations.push('the first counter ended as if all were well');
    };
    violations.push(...(await underLoad(system, random, [takeOver, takeOver])));
    return [...violations, ...(await compare(system))];
  },
};
