import { choice, url, variable } from './config.ts';

const REDIS_DURABILITIES = ['always', 'managed', 'volatile'] as const;

/** How a process finds Redis, and what Redis promises it. */
export const redisVariables = {
  redisUrl: variable(
    'REDIS_URL',
    url({ schemes: ['redis', 'rediss'] }),
    'Where Redis (or Valkey) is. It has no default: usage sent to some other Redis would be acknowledged and never counted.',
  ),
  redisDurability: variable(
    'ODOMETER_REDIS_DURABILITY',
    choice(REDIS_DURABILITIES, { default: 'always' }),
    'What makes an acknowledged event safe. `always`: refuse to start unless Redis has AOF with appendfsync always and maxmemory-policy noeviction. `managed`: the operator vouches for it (MemoryDB, for instance, forbids asking). `volatile`: acknowledged usage may be lost with Redis; for trying things out.',
  ),
} as const;
