import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startTestRedis } from '@odometer/testing/test-redis';
import type { Redis } from 'ioredis';
import { MemoryLog } from '../test/jobs.ts';
import { createProducerRedis } from './redis-connection.ts';
import { checkRedisDurability } from './redis-preflight.ts';

let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  redis = createProducerRedis({ url: server.url });
});
afterEach(async () => {
  await redis.config('SET', 'appendonly', 'yes');
  await redis.config('SET', 'appendfsync', 'always');
  await redis.config('SET', 'no-appendfsync-on-rewrite', 'no');
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
});
afterAll(async () => {
  redis.disconnect();
  // A Redis that writes its first append-only file, as one does whose setting was just changed, ignores SIGTERM.
  await server.kill();
});

test('accepts a Redis that has every write on its disk before it answers', async () => {
  const log = new MemoryLog();
  await checkRedisDurability(redis, 'always', log);
  await checkRedisDurability(redis, 'volatile', log);
  expect(log.lines).toEqual([]);
});

test.each([
  ['appendonly', 'no', /appendonly is no, not yes: .*every job it held is gone/],
  ['appendfsync', 'everysec', /appendfsync is everysec, not always: .*two seconds/],
  ['appendfsync', 'no', /appendfsync is no, not always: .*half a minute/],
  ['no-appendfsync-on-rewrite', 'yes', /no-appendfsync-on-rewrite is yes/],
  ['maxmemory-policy', 'allkeys-lru', /maxmemory-policy is allkeys-lru, .*deletes keys/],
])('refuses %s %s, and says what it would cost', async (setting, value, sentence) => {
  await redis.config('SET', setting, value);
  await expect(checkRedisDurability(redis, 'always', new MemoryLog())).rejects.toMatchObject({
    code: 'redis_not_durable',
    message: expect.stringMatching(sentence),
  });
});

test('names all that is wrong at once; volatile logs the same and goes on', async () => {
  await redis.config('SET', 'appendonly', 'no');
  await redis.config('SET', 'maxmemory-policy', 'volatile-lru');
  const log = new MemoryLog();
  await checkRedisDurability(redis, 'volatile', log);
  expect(log.lines).toEqual([
    { event: 'redis_volatile', reason: expect.stringMatching(/appendonly.*; maxmemory-policy/) },
  ]);
});

test('managed asks nothing, not even whether Redis is there', async () => {
  const nowhere = createProducerRedis({ url: 'redis://127.0.0.1:1' });
  await checkRedisDurability(nowhere, 'managed', new MemoryLog());
  nowhere.disconnect();
});

test('a Redis that forbids the question is refused, with the way out', async () => {
  const rules = ['on', '>secret', '~*', '+@all', '-config'];
  await redis.acl('SETUSER', 'probe', ...rules);
  const url = new URL(server.url);
  url.username = 'probe';
  url.password = 'secret';
  const restricted = createProducerRedis({ url: url.href });
  await expect(checkRedisDurability(restricted, 'always', new MemoryLog())).rejects.toThrow(
    /ODOMETER_REDIS_DURABILITY=managed/,
  );
  restricted.disconnect();
});
