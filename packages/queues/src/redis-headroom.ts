import type { Redis } from 'ioredis';

/**
 * Producers stop when this share of Redis's `maxmemory` is used. The rest belongs to the workers: moving a job to
 * `active` takes memory too, and Redis refuses it when full, so a Redis filled to the brim by producers never drains.
 */
const PRODUCERS_SHARE = 0.9;

/** Half a second of the fastest intake is some 25 MB: within the share that is left on the smallest sensible Redis. */
const REFRESH_MS = 500;

/**
 * Whether Redis has room for another job, known from its last answer. Asks again on use, at most every 500 ms and in
 * the background, so there is no timer, and nothing waits for it. Unknown counts as room: then Redis itself decides.
 */
export class RedisHeadroom {
  readonly #redis: Redis;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isFull = false;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  isFull(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#askedAtMs >= REFRESH_MS) {
      this.#askedAtMs = nowMs;
      this.#redis.info('memory').then(
        (info) => {
          this.#isFull = usedShare(info) > PRODUCERS_SHARE;
        },
        () => {
          this.#isFull = false;
        },
      );
    }
    return this.#isFull;
  }
}

/** Of `maxmemory`; 0 when there is no limit. */
function usedShare(info: string): number {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const maxmemory = field('maxmemory');
  return maxmemory === 0 ? 0 : field('used_memory') / maxmemory;
}
