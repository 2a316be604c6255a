import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestRedis } from '@odometer/testing/test-redis';
import { claimRedis } from './own-redis.ts';
import { createProducerRedis } from './redis-connection.ts';

let server: Awaited<ReturnType<typeof startTestRedis>>;
let redis: ReturnType<typeof createProducerRedis>;
beforeAll(async () => {
  server = await startTestRedis();
  redis = createProducerRedis({ url: server.url });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

test('a Redis is the first installation’s that claims it, however many claim it at once', async () => {
  const [ours, theirs] = ['6f1f8a5e-0000-4000-8000-000000000001', 'another'];
  await claimRedis(redis, ours);
  await claimRedis(redis, ours);
  await expect(claimRedis(redis, theirs)).rejects.toMatchObject({ code: 'redis_not_ours' });
  await redis.flushall();
  const claims = await Promise.allSettled([ours, theirs].map((id) => claimRedis(redis, id)));
  expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
