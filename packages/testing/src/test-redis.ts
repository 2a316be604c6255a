import { type RedisServer, startRedis } from '@odometer/local-stack/redis';
import { TestServer } from './test-server.ts';

/**
 * A Redis of this test file's own, `appendfsync always` and `noeviction` as in production.
 * Call `stop()` in `afterAll`.
 * @param settings as in redis.conf; they win, e.g. `{ appendonly: 'no' }` or `{ maxmemory: '4mb' }`.
 */
export function startTestRedis(
  settings: Readonly<Record<string, string>> = {},
): Promise<TestServer<RedisServer>> {
  return TestServer.launch('redis', (place) => startRedis({ ...place, settings }));
}
