import { plantBug } from '../harness/planted-bug.ts';
import { plantedTest } from '../harness/planted-test.ts';
import { killWorkerBetweenClaimAndCommit } from '../scenarios/kill-worker-between-claim-and-commit.ts';

const bug = plantBug(
  'batches are claimed in another transaction than counts them',
  ['stats-worker'],
  [
    {
      file: 'services/stats-worker/dist/event-applier.js',
      find: 'await claimBatches(transaction, ',
      replace: 'await claimBatches(pool, ',
    },
    {
      file: 'services/stats-worker/dist/count-applier.js',
      find: 'await claimBatches(transaction, ',
      replace: 'await claimBatches(pool, ',
    },
  ],
);

plantedTest(bug, killWorkerBetweenClaimAndCommit, /^usage_hourly /);
