import { crashTest } from '../harness/crash-test.ts';
import { hostileInput } from '../scenarios/hostile-input.ts';

crashTest(hostileInput);
