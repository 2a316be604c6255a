import { crashTest } from '../harness/crash-test.ts';
import { applyOverlappingBatches } from '../scenarios/apply-overlapping-batches.ts';

crashTest(applyOverlappingBatches);
