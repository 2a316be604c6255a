import { crashTest } from '../harness/crash-test.ts';
import { killBroker } from '../scenarios/kill-broker.ts';

crashTest(killBroker);
