import type { ConfigOf } from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisVariables } from '@odometer/service-kit/redis-variables';
import { serviceVariables } from '@odometer/service-kit/service-variables';

/** The environment of a scheduler. When the bells ring is no setting: what follows from it would not be, either. */
export const variables = {
  ...serviceVariables,
  ...postgresVariables,
  ...redisVariables,
} as const;

export type Config = ConfigOf<typeof variables>;
