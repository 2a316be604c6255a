import { plantBug } from '../harness/planted-bug.ts';
import { plantedTest } from '../harness/planted-test.ts';
import { loseReplies } from '../scenarios/lose-replies.ts';

const bug = plantBug(
  'jobs are added without their id',
  ['ingest-api', 'mqtt-counter'],
  [
    {
      file: 'packages/queues/dist/job-queue.js',
      find: 'jobId,\n            items: acceptedItems(payload),',
      replace: 'items: acceptedItems(payload),',
    },
  ],
);

plantedTest(bug, loseReplies(), /a job added twice/);
