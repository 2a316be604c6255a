import { crashTest } from '../harness/crash-test.ts';
import { killWorkerBetweenClaimAndCommit } from '../scenarios/kill-worker-between-claim-and-commit.ts';

crashTest(killWorkerBetweenClaimAndCommit);
