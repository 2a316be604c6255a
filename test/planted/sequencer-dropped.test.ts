import { plantBug } from '../harness/planted-bug.ts';
import { plantedTest } from '../harness/planted-test.ts';
import { restartRedisUnderNotifications } from '../scenarios/restart-redis-under-notifications.ts';

const bug = plantBug(
  'whatever comes last holds, and not the newest sequencer',
  ['stats-worker'],
  [
    {
      file: 'packages/database/dist/objects/upsert-objects.js',
      find: 'then excluded.sequencer > o.sequencer and',
      replace: 'then',
    },
  ],
);

plantedTest(bug, restartRedisUnderNotifications, /in the ledger: /);
