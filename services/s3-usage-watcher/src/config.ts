import { type ConfigOf, durationMs, integer, text, variable } from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisVariables } from '@odometer/service-kit/redis-variables';
import { serviceVariables } from '@odometer/service-kit/service-variables';

const DAY_S = 86_400;

export const variables = {
  ...serviceVariables,
  ...postgresVariables,
  ...redisVariables,
  host: variable(
    'ODOMETER_STORAGE_HOST',
    text({ default: '0.0.0.0' }),
    'Address of the public port.',
  ),
  port: variable(
    'ODOMETER_STORAGE_PORT',
    integer({ min: 0, max: 65_535, default: 8086 }),
    'Port for notifications that stores send over HTTP; 0 takes any free one.',
  ),
  sqsReceivers: variable(
    'ODOMETER_STORAGE_SQS_RECEIVERS',
    integer({ min: 1, max: 50, default: 4 }),
    'Long polls that wait on each queue at once; each takes up to ten messages. Four take some hundreds of messages a second, which one bucket seldom has; more only help when a backlog is worked off.',
  ),
  mqttSessionExpirySeconds: variable(
    'ODOMETER_STORAGE_MQTT_SESSION_EXPIRY_SECONDS',
    integer({ min: 60, max: 0xffff_fffe, default: 7 * DAY_S }),
    'How long a broker keeps notifications for a watcher that is away. A week outlasts a long weekend; longer, a topic that is no longer declared fills the broker.',
  ),
  maxBodyBytes: variable(
    'ODOMETER_STORAGE_MAX_BODY_BYTES',
    integer({ min: 65_536, max: 10_000_000, default: 1_048_576 }),
    'Largest body of a notification over HTTP, as sent and as inflated. 1 MiB is what SQS takes at most; stores send a few kilobytes.',
  ),
  confirmDeadlineMs: variable(
    'ODOMETER_STORAGE_CONFIRM_DEADLINE_MS',
    durationMs({ min: 100, max: 60_000, default: 5_000 }),
    'When a notification over HTTP that is not durable yet is answered with 503. It goes on being tried, and the same one sent again counts once.',
  ),
  maxUnconfirmedRecords: variable(
    'ODOMETER_STORAGE_MAX_UNCONFIRMED_RECORDS',
    integer({ min: 100, max: 1_000_000, default: 20_000 }),
    'Records that may wait for storage to confirm them before notifications over HTTP are refused with 503. One source, whoever holds the same secret, is refused at a quarter of it. 20,000 take some 20 MB. Queues and brokers are bounded by how much they hand out at once.',
  ),
  maxBacklogBatches: variable(
    'ODOMETER_STORAGE_MAX_BACKLOG_BATCHES',
    integer({ min: 1, default: 5_000 }),
    'Batches that may wait to be applied; beyond, messages are left in their queues and at their brokers, and HTTP is answered with 503. Low, because a queue is a better place to wait than the Redis that all usage needs.',
  ),
  refreshMs: variable(
    'ODOMETER_STORAGE_REFRESH_MS',
    durationMs({ min: 100, max: 600_000, default: 3_000 }),
    'How often the declared buckets are read from Postgres: what is declared, changed or removed takes effect this much later.',
  ),
} as const;

export type Config = ConfigOf<typeof variables>;
