import { OdometerError } from '@odometer/domain/errors';
import type { Redis } from 'ioredis';
import { QUEUE_PREFIX } from './catalogue.ts';
import { waitUntilReady } from './redis-connection.ts';

/** Whose jobs the others with this prefix are: the id of an installation, as its Postgres has it. */
const OWNER = `${QUEUE_PREFIX}:installation`;

/**
 * Makes this Redis the installation's, for good. Two on one Redis would work on each other's jobs, and each book the other's
 * usage on projects of its own. A Postgres that was restored has the id of the one that was backed up. Waits a while for Redis.
 *
 * @throws OdometerError `redis_not_ours`
 */
export async function claimRedis(redis: Redis, installation: string): Promise<void> {
  await waitUntilReady(redis);
  await redis.setnx(OWNER, installation);
  const owner = await redis.get(OWNER);
  if (owner !== installation) throw new OdometerError('redis_not_ours', { key: OWNER });
}

/**
 * Whether jobs can be read there. PING would not do: the replica that a primary of a cluster has become answers it, and refuses
 * every key with MOVED.
 *
 * @throws what Redis says otherwise.
 */
export async function askForKeys(redis: Redis): Promise<void> {
  await redis.exists(OWNER);
}
