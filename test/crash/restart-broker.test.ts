import { crashTest } from '../harness/crash-test.ts';
import { restartBroker } from '../scenarios/restart-broker.ts';

crashTest(restartBroker);
