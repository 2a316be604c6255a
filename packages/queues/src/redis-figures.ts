import type { Redis } from 'ioredis';
import { askForKeys } from './own-redis.ts';

/** What Redis says of itself. */
export interface RedisFigures {
  readonly memoryUsedBytes: number;
  /** `maxmemory`; undefined when there is none. */
  readonly memoryLimitBytes: number | undefined;
  /** Since Redis started. Each may have been a job that was acknowledged. */
  readonly evictedKeys: number;
  /** Whether the append-only file is on, and its last write and rewrite went well. */
  readonly isAppending: boolean;
}

/** Asks for it. @throws what ioredis throws while Redis is away; what Redis says while it has no keys to give. */
export async function readRedisFigures(redis: Redis): Promise<RedisFigures> {
  const [info] = await Promise.all([redis.info(), askForKeys(redis)]);
  const field = (name: string) => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1];
  const limit = Number(field('maxmemory') ?? 0);
  return {
    memoryUsedBytes: Number(field('used_memory') ?? 0),
    memoryLimitBytes: limit === 0 ? undefined : limit,
    evictedKeys: Number(field('evicted_keys') ?? 0),
    isAppending:
      field('aof_enabled') === '1' &&
      field('aof_last_write_status') === 'ok' &&
      field('aof_last_bgrewrite_status') === 'ok',
  };
}
