import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { underLoad } from '../harness/under-load.ts';

const LONGEST_BACKLOG_MS = 400;

/**
 * Sessions and their messages are on the broker's disk when it stops politely. That it was away is recorded all the same:
 * from outside nobody can tell a polite stop from a crash.
 */
export const restartBroker: Scenario = {
  name: 'totals are exact when Mosquitto is restarted',
  system: {},
  async run(system, random) {
    const restart = async () => {
      // Asleep, the counter leaves messages in flight and queued at the broker.
      const counter = system.counter?.process;
      counter?.signal('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, random.integer(0, LONGEST_BACKLOG_MS)));
      // A publish without PUBACK would be unknown; publishers' own retries are outside the promise.
      await system.publisher.pause();
      if (random.next() < 0.5) counter?.signal('SIGCONT');
      await system.broker.restart();
      counter?.signal('SIGCONT');
      system.publisher.resume();
    };
    const violations = await underLoad(system, random, [restart, restart]);
    return [...violations, ...(await compare(system, { gaps: ['broker_restarted'] }))];
  },
};
