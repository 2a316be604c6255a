import { OdometerError } from '@odometer/domain/errors';
import type { Redis } from 'ioredis';
import { waitUntilReady } from './redis-connection.ts';

/** What the operator says of Redis: checked, vouched for, or known to lose. */
export type RedisDurability = 'always' | 'managed' | 'volatile';

/** A setting, the values that keep the promise, and what each other costs. */
const REQUIREMENTS: readonly {
  readonly setting: string;
  readonly required: string;
  readonly cost: (value: string) => string;
}[] = [
  {
    setting: 'appendonly',
    required: 'yes',
    cost: () => 'when Redis ends, every job it held is gone, acknowledged or not',
  },
  {
    setting: 'appendfsync',
    required: 'always',
    cost: (value) =>
      value === 'everysec'
        ? 'a power failure loses up to two seconds of acknowledged usage'
        : 'a power failure loses half a minute of acknowledged usage, or more',
  },
  {
    setting: 'no-appendfsync-on-rewrite',
    required: 'no',
    cost: () => 'a power failure during a rewrite of the append-only file loses what it held back',
  },
  {
    setting: 'maxmemory-policy',
    required: 'noeviction',
    cost: () => 'a full Redis deletes keys to make room, jobs that were acknowledged among them',
  },
];

/**
 * Refuses a Redis that could not keep what we acknowledge. Waits a while for Redis to answer.
 *
 * @param durability `managed`: nothing is asked, the operator vouches (MemoryDB forbids CONFIG). `volatile`: logs what it
 *   may cost and goes on.
 * @throws OdometerError `redis_not_durable` with a sentence for each setting and what it would cost.
 */
export async function checkRedisDurability(
  redis: Redis,
  durability: RedisDurability,
  log: { warn(fields: object): void },
): Promise<void> {
  if (durability === 'managed') return;
  await waitUntilReady(redis);
  const reason = (await findings(redis)).join('; ');
  if (reason === '') return;
  if (durability === 'always') throw new OdometerError('redis_not_durable', { reason });
  log.warn({ event: 'redis_volatile', reason });
}

async function findings(redis: Redis): Promise<string[]> {
  const found: string[] = [];
  for (const { setting, required, cost } of REQUIREMENTS) {
    const value = await readSetting(redis, setting);
    if (value === undefined) {
      return [
        'it does not let us read its settings (CONFIG GET); set ODOMETER_REDIS_DURABILITY=managed if you know that it keeps every write it has answered',
      ];
    }
    if (value !== required) found.push(`${setting} is ${value}, not ${required}: ${cost(value)}`);
  }
  return found;
}

/** undefined when Redis forbids the question. */
async function readSetting(redis: Redis, setting: string): Promise<string | undefined> {
  try {
    const [, value] = (await redis.config('GET', setting)) as readonly string[];
    return value;
  } catch (error) {
    if (error instanceof Error && /^(ERR unknown command|NOPERM)/.test(error.message))
      return undefined;
    throw error;
  }
}
