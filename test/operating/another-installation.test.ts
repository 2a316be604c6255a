import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { claimRedis } from '@odometer/queues/own-redis';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { spawnService } from '@odometer/testing/spawn-service';
import { startTestRedis } from '@odometer/testing/test-redis';
import { useTestDatabase } from '@odometer/testing/use-test-database';

const { url: databaseUrl } = useTestDatabase();
let redis: Awaited<ReturnType<typeof startTestRedis>>;
let connection: ReturnType<typeof createProducerRedis>;
beforeAll(async () => {
  redis = await startTestRedis();
  connection = createProducerRedis({ url: redis.url });
  await claimRedis(connection, 'staging');
});
afterAll(async () => {
  connection.disconnect();
  await redis.stop();
});

test.each(['ingest-api', 'mqtt-counter', 's3-usage-watcher', 'scheduler', 'stats-worker'])(
  '%s refuses a Redis with the jobs of another installation, and takes none of them',
  async (name) => {
    const service = await spawnService(name, {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redis.url,
      MQTT_URL: 'mqtt://127.0.0.1:1',
      PORT: '0',
    });
    expect((await service.exit).code).toBe(1);
    expect(service.log()).toContain('holds the jobs of another installation');
    // BullMQ notes its version of each queue that is opened.
    const keys = (await connection.keys('*')).filter((key) => !key.endsWith(':meta'));
    expect(keys).toEqual(['{odometer}:installation']);
  },
  60_000,
);
