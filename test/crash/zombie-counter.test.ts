import { crashTest } from '../harness/crash-test.ts';
import { zombieCounter } from '../scenarios/zombie-counter.ts';

crashTest(zombieCounter);
