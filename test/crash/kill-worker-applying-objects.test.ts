import { crashTest } from '../harness/crash-test.ts';
import { killWorkerApplyingObjects } from '../scenarios/kill-worker-applying-objects.ts';

crashTest(killWorkerApplyingObjects);
