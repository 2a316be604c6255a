import { plantBug } from '../harness/planted-bug.ts';
import { plantedTest } from '../harness/planted-test.ts';
import { killWorkerApplyingObjects } from '../scenarios/kill-worker-applying-objects.ts';

const bug = plantBug(
  'batches of objects are claimed in another transaction than changes the ledger',
  ['stats-worker'],
  [
    {
      file: 'services/stats-worker/dist/objects/object-applier.js',
      find: 'await claimBatches(transaction, ',
      replace: 'await claimBatches(pool, ',
    },
  ],
);

plantedTest(bug, killWorkerApplyingObjects, /in the ledger: /);
