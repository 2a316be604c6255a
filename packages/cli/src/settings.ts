import { optional, parseConfig, url, variable } from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisVariables } from '@odometer/service-kit/redis-variables';

/** The environment of the `odometer` command. Each subcommand asks only for what it needs. */
export const variables = {
  ...postgresVariables,
  ...redisVariables,
  mqttUrl: variable(
    'MQTT_URL',
    optional(url({ schemes: ['mqtt', 'mqtts', 'ws', 'wss'] })),
    'Where the MQTT broker is. Only `odometer preflight` asks it.',
  ),
} as const;

/** @throws ConfigError with all that is wrong. */
export function readPostgresSettings() {
  return parseConfig(postgresVariables, process.env);
}

/** @throws ConfigError with all that is wrong. */
export function readRedisSettings() {
  return parseConfig(redisVariables, process.env);
}

/** @throws ConfigError with all that is wrong. */
export function readAllSettings() {
  return parseConfig(variables, process.env);
}
