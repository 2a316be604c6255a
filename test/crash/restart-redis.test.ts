import { crashTest } from '../harness/crash-test.ts';
import { restartRedis } from '../scenarios/restart-redis.ts';

crashTest(restartRedis);
