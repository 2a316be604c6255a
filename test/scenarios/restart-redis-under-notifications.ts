import { bucketUnderLoad } from '../harness/bucket-under-load.ts';
import type { Scenario } from '../harness/scenario.ts';

/** Notifications are answered with 200 only when Redis has them on disk; the others are sent again. */
export const restartRedisUnderNotifications: Scenario = {
  name: 'the ledger is the bucket when Redis is restarted and killed, and the watcher, too',
  system: { watcher: true, counter: false, ingests: 0 },
  run(system, random) {
    const restart = () => system.redis.restart();
    const killRedis = async () => {
      await system.redis.kill();
      await system.redis.start();
    };
    const killWatcher = async () => {
      await system.watcher?.kill();
    };
    return bucketUnderLoad(system, random, [restart, killRedis, killWatcher]);
  },
};
