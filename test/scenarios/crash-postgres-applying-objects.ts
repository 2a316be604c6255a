import { bucketUnderLoad } from '../harness/bucket-under-load.ts';
import type { Scenario } from '../harness/scenario.ts';

/** Every session ends in the middle of whatever it does, and the server recovers from its log. */
export const crashPostgresApplyingObjects: Scenario = {
  name: 'the ledger is the bucket when Postgres is stopped with -m immediate',
  system: { watcher: true, counter: false, ingests: 0 },
  run(system, random) {
    const crash = async () => {
      await system.postgres.server.stopAs('immediate');
      await system.postgres.start();
    };
    return bucketUnderLoad(system, random, [crash, crash]);
  },
};
