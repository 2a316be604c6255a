import {
  createProducerRedis,
  type RedisEndpoint,
  waitUntilReady,
} from '@odometer/queues/redis-connection';
import { checkRedisDurability, type RedisDurability } from '@odometer/queues/redis-preflight';
import { type Check, failed, passed } from './check.ts';

const CONNECT_DEADLINE_MS = 5_000;

/** Redis answers, and keeps what it has answered. */
export async function checkRedis(
  endpoint: RedisEndpoint,
  durability: RedisDurability,
): Promise<readonly Check[]> {
  const redis = createProducerRedis(endpoint);
  try {
    await waitUntilReady(redis, CONNECT_DEADLINE_MS);
  } catch (error) {
    redis.disconnect();
    return [failed('redis', error, 'start it, or correct REDIS_URL')];
  }
  const answered = passed('redis', 'answers');
  try {
    const warnings: string[] = [];
    await checkRedisDurability(redis, durability, {
      warn: (fields) => warnings.push('reason' in fields ? String(fields.reason) : ''),
    });
    return [answered, passed('redis durability', describe(durability, warnings))];
  } catch (error) {
    return [
      answered,
      failed(
        'redis durability',
        error,
        'set appendonly yes, appendfsync always and maxmemory-policy noeviction, or say with ODOMETER_REDIS_DURABILITY what it promises',
      ),
    ];
  } finally {
    redis.disconnect();
  }
}

function describe(durability: RedisDurability, warnings: readonly string[]): string {
  if (durability === 'always') return 'on its disk before it answers; never evicts';
  if (durability === 'managed')
    return 'not asked: vouched for by ODOMETER_REDIS_DURABILITY=managed';
  return ['volatile, as you said', ...warnings].join(': ');
}
