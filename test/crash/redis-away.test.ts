import { crashTest } from '../harness/crash-test.ts';
import { redisAway } from '../scenarios/redis-away.ts';

// One round takes three quarters of a minute.
crashTest(redisAway, 1);
