import { type ConfigOf, durationMs, integer, text, variable } from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisEndpointVariables } from '@odometer/service-kit/redis-variables';
import { serviceVariables } from '@odometer/service-kit/service-variables';

export const variables = {
  ...serviceVariables,
  ...postgresVariables,
  ...redisEndpointVariables,
  host: variable(
    'ODOMETER_STATS_HOST',
    text({ default: '0.0.0.0' }),
    'Address of the public port.',
  ),
  port: variable(
    'ODOMETER_STATS_PORT',
    integer({ min: 0, max: 65_535, default: 8085 }),
    'Port of the query and administration API. 8080 is the front address that the services share; 0 takes any free one.',
  ),
  maxConnections: variable(
    'ODOMETER_STATS_MAX_CONNECTIONS',
    integer({ min: 2, max: 1_000, default: 16 }),
    'Connections to Postgres. Most answers take one for about a millisecond; 16 leave room beside the few that read for seconds, and leave Postgres its cores for counting.',
  ),
  statementTimeoutMs: variable(
    'ODOMETER_STATS_STATEMENT_TIMEOUT_MS',
    durationMs({ min: 100, max: 600_000, default: 30_000 }),
    'Longest statement; beyond, the request is answered with 503. A question that takes longer is too wide, and must not occupy the database that counts.',
  ),
  refreshMs: variable(
    'ODOMETER_STATS_REFRESH_MS',
    durationMs({ min: 100, max: 600_000, default: 3_000 }),
    'How often API keys are read from Postgres. A revoked key is refused at most this much later.',
  ),
} as const;

export type Config = ConfigOf<typeof variables>;
