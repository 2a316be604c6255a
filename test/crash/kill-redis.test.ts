import { crashTest } from '../harness/crash-test.ts';
import { killRedis } from '../scenarios/kill-redis.ts';

crashTest(killRedis);
