import { expect, test } from '@jest/globals';
import { startTestRedis } from '@odometer/testing/test-redis';
import { createProducerRedis, waitUntilReady } from './redis-connection.ts';
import { readRedisFigures } from './redis-figures.ts';

async function figuresWith(settings: Readonly<Record<string, string>>) {
  const server = await startTestRedis(settings);
  const redis = createProducerRedis({ url: server.url });
  try {
    await waitUntilReady(redis);
    return await readRedisFigures(redis);
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

test('tells memory, its limit, and that every write goes to a file', async () => {
  const figures = await figuresWith({ maxmemory: '8mb' });
  expect(figures).toEqual({
    memoryUsedBytes: expect.any(Number),
    memoryLimitBytes: 8 * 1024 * 1024,
    evictedKeys: 0,
    isAppending: true,
  });
  expect(figures.memoryUsedBytes).toBeGreaterThan(100_000);
});

test('a Redis without an append-only file is not appending, and one without a limit has none', async () => {
  expect(await figuresWith({ appendonly: 'no', maxmemory: '0' })).toMatchObject({
    isAppending: false,
    memoryLimitBytes: undefined,
  });
});
