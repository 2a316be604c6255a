import { crashTest } from '../harness/crash-test.ts';
import { redisAway } from '../scenarios/redis-away.ts';

crashTest(redisAway);
