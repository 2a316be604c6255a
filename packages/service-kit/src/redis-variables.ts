import { choice, optional, secret, text, url, variable } from './config.ts';

const REDIS_DURABILITIES = ['always', 'managed', 'volatile'] as const;

/** How a process finds Redis. */
export const redisEndpointVariables = {
  redisUrl: variable(
    'REDIS_URL',
    url({ schemes: ['redis', 'rediss'] }),
    'Where Redis (or Valkey) is. It has no default: usage sent to some other Redis would be acknowledged and never counted.',
  ),
  redisUsername: variable(
    'ODOMETER_REDIS_USERNAME',
    optional(text()),
    'User at Redis, when it is not in REDIS_URL. Without one, Redis takes the password for its default user.',
  ),
  redisPassword: variable(
    'ODOMETER_REDIS_PASSWORD',
    optional(secret()),
    'Password at Redis, when it is not in REDIS_URL. Taken as it is: in a URL, characters such as @ and / would have to be encoded.',
  ),
} as const;

/** How a process finds Redis, and what Redis promises it. */
export const redisVariables = {
  ...redisEndpointVariables,
  redisDurability: variable(
    'ODOMETER_REDIS_DURABILITY',
    choice(REDIS_DURABILITIES, { default: 'always' }),
    'What makes an acknowledged event safe. `always`: refuse to start unless Redis has AOF with appendfsync always and maxmemory-policy noeviction. `managed`: the operator vouches for it (MemoryDB, for instance, forbids asking). `volatile`: acknowledged usage may be lost with Redis; for trying things out.',
  ),
} as const;

/** What a connection to the configured Redis is made of. */
export function redisEndpoint(config: {
  readonly redisUrl: string;
  readonly redisUsername: string | undefined;
  readonly redisPassword: string | undefined;
}): {
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
} {
  const { redisUrl: url, redisUsername: username, redisPassword: password } = config;
  return { url, username, password };
}
