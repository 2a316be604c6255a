import { crashTest } from '../harness/crash-test.ts';
import { sleepingWorker } from '../scenarios/sleeping-worker.ts';

crashTest(sleepingWorker);
