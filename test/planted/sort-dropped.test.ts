import { plantBug } from '../harness/planted-bug.ts';
import { plantedTest } from '../harness/planted-test.ts';
import { applyOverlappingBatches } from '../scenarios/apply-overlapping-batches.ts';

const bug = plantBug(
  'the sort is dropped from the claim of event keys',
  ['stats-worker'],
  [
    {
      file: 'packages/database/dist/event-keys.js',
      find: `as c (key, fingerprint)
     order by key
     on conflict do nothing`,
      replace: `as c (key, fingerprint)
     on conflict do nothing`,
    },
  ],
);

plantedTest(bug, applyOverlappingBatches, /deadlocks|after a conflict/);
