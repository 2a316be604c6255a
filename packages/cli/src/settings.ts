import {
  type ConfigOf,
  optional,
  parseConfig,
  secret,
  text,
  url,
  variable,
} from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisVariables } from '@odometer/service-kit/redis-variables';

const mqttVariables = {
  mqttUrl: variable(
    'MQTT_URL',
    optional(url({ schemes: ['mqtt', 'mqtts'] })),
    'Where the MQTT broker is. Only `odometer preflight` asks it, as mqtt-counter would, and `odometer smoke`, as a device would.',
  ),
  mqttUsername: variable(
    'ODOMETER_MQTT_USERNAME',
    optional(text()),
    'User at the broker, when it is not in MQTT_URL.',
  ),
  mqttPassword: variable(
    'ODOMETER_MQTT_PASSWORD',
    optional(secret()),
    'Password at the broker, when it is not in MQTT_URL.',
  ),
  mqttCaFile: variable(
    'ODOMETER_MQTT_TLS_CA_FILE',
    optional(text()),
    "PEM file with the authority that signed the broker's certificate.",
  ),
  mqttCertificateFile: variable(
    'ODOMETER_MQTT_TLS_CERTIFICATE_FILE',
    optional(text()),
    'PEM file with our client certificate.',
  ),
  mqttKeyFile: variable(
    'ODOMETER_MQTT_TLS_KEY_FILE',
    optional(text()),
    "PEM file with the client certificate's key.",
  ),
} as const;

const publicVariables = {
  publicUrl: variable(
    'ODOMETER_URL',
    optional(url({ schemes: ['http', 'https'] })),
    'The public address, for `odometer smoke`.',
  ),
  apiKey: variable(
    'ODOMETER_API_KEY',
    optional(secret()),
    'API key of the scopes ingest and read, for `odometer smoke`; without it that makes one, and revokes it.',
  ),
} as const;

/** The environment of the `odometer` command. Each subcommand asks only for what it needs. */
export const variables = {
  ...postgresVariables,
  ...redisVariables,
  ...mqttVariables,
  ...publicVariables,
} as const;

export type Settings = ConfigOf<typeof variables>;
export type MqttSettings = ConfigOf<typeof mqttVariables>;

/** @throws ConfigError with all that is wrong. */
export function readPostgresSettings() {
  return parseConfig(postgresVariables, process.env);
}

/** @throws ConfigError with all that is wrong. */
export function readRedisSettings() {
  return parseConfig(redisVariables, process.env);
}

/** @throws ConfigError with all that is wrong. */
export function readSmokeSettings() {
  return parseConfig({ ...mqttVariables, ...publicVariables }, process.env);
}

/** @throws ConfigError with all that is wrong. */
export function readAllSettings(): Settings {
  return parseConfig(variables, process.env);
}
