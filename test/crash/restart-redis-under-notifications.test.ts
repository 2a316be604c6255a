import { crashTest } from '../harness/crash-test.ts';
import { restartRedisUnderNotifications } from '../scenarios/restart-redis-under-notifications.ts';

crashTest(restartRedisUnderNotifications);
