import { eventually } from '@odometer/testing/eventually';
import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { System } from '../harness/system.ts';
import { underLoad } from '../harness/under-load.ts';

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
      await eventually(() => hasFlushInHand(system), { deadlineMs: 60_000 });
      await system.counter?.kill();
      await system.redis.start();
    };
    // First, while it surely counts: after the others it may not be back yet, and then has nothing in hand.
    const violations = await underLoad(system, random, [killWithoutRedis, kill, kill]);
    return [...violations, ...(await compare(system))];
  },
};

async function hasFlushInHand({ counter }: System): Promise<boolean> {
  return ((await counter?.process.metric('odometer_mqtt_flush_retries_total')) ?? 0) > 0;
}
