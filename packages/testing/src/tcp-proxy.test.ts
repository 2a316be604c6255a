import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RedisServer } from '@odometer/local-stack/redis';
import { Redis } from 'ioredis';
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts';
import { startTestRedis } from './test-redis.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer<RedisServer>;
let proxy: TcpProxy;
let direct: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  proxy = await tcpProxy(server.port);
  direct = new Redis(server.url);
});

afterAll(async () => {
  await direct?.quit();
  await proxy?.close();
  await server?.stop();
});

function throughProxy(): Redis {
  const redis = new Redis(proxy.url(server.url), {
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    disconnectTimeout: 50,
  });
  redis.on('error', () => {});
  return redis;
}

test('a dropped reply belongs to a request that the server has executed', async () => {
  const redis = throughProxy();
  await redis.ping();
  proxy.dropReplies({ match: (request) => request.includes('incr'), times: 1 });
  await expect(redis.incr('once')).rejects.toThrow();
  expect(proxy.dropped).toBe(1);
  expect(await direct.get('once')).toBe('1');
  proxy.pass();
  const again = throughProxy();
  expect(await again.get('once')).toBe('1');
  await again.quit();
});

test('refuses until it passes again', async () => {
  proxy.refuse();
  const refused = throughProxy();
  await expect(refused.ping()).rejects.toThrow();
  proxy.pass();
  const redis = throughProxy();
  expect(await redis.ping()).toBe('PONG');
  await redis.quit();
});
