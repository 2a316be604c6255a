import { crashTest } from '../harness/crash-test.ts';
import { killStatsWorker } from '../scenarios/kill-stats-worker.ts';

crashTest(killStatsWorker);
