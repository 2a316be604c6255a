import { checkEventConfig, eventVariables } from '@odometer/intake/event-variables';
import { type ConfigOf, durationMs, integer, text, variable } from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisVariables } from '@odometer/service-kit/redis-variables';
import { serviceVariables } from '@odometer/service-kit/service-variables';

export const variables = {
  ...serviceVariables,
  ...postgresVariables,
  ...redisVariables,
  host: variable(
    'ODOMETER_INGEST_HOST',
    text({ default: '0.0.0.0' }),
    'Address of the public port.',
  ),
  port: variable(
    'ODOMETER_INGEST_PORT',
    integer({ min: 0, max: 65_535, default: 8081 }),
    'Port for events and webhooks. 8080 is the front address that the services share; 0 takes any free one.',
  ),
  ...eventVariables,
  maxBodyBytes: variable(
    'ODOMETER_INGEST_MAX_BODY_BYTES',
    integer({ min: 1_024, max: 100_000_000, default: 5_000_000 }),
    'Largest body of a request, as sent and as inflated. 5 MB is 1,000 events of 5 kB.',
  ),
  eventsPerSecond: variable(
    'ODOMETER_INGEST_EVENTS_PER_SECOND',
    integer({ min: 0, default: 0 }),
    'Events that one API key may send per second and process; more is answered with 429. 0, the default, sets no bound: usage that is turned away is usage that is not billed, and what protects the service from all clients together is the limit of unconfirmed batches.',
  ),
  lingerMs: variable(
    'ODOMETER_INGEST_LINGER_MS',
    durationMs({ max: 100, default: 5 }),
    'The longest that the first event of a batch waits for as much company as the last batch had, when nothing else is under way. 5 ms let concurrent requests share one write to disk; a client on its own does not wait.',
  ),
  confirmDeadlineMs: variable(
    'ODOMETER_INGEST_CONFIRM_DEADLINE_MS',
    durationMs({ min: 100, max: 60_000, default: 5_000 }),
    'When a request whose events are not durable yet is answered with 503. Their batch goes on being tried, and the same events sent again count once.',
  ),
  maxUnconfirmedBatches: variable(
    'ODOMETER_INGEST_MAX_UNCONFIRMED_BATCHES',
    integer({ min: 1, max: 10_000, default: 32 }),
    'Batches that may wait for storage to confirm them; beyond, events are refused with 503. 32 are up to 32 MB of memory, and more than a second of the fastest intake.',
  ),
  maxBacklogBatches: variable(
    'ODOMETER_INGEST_MAX_BACKLOG_BATCHES',
    integer({ min: 1, default: 20_000 }),
    'Batches that may wait to be applied; beyond, events are refused with 503 before Redis is full. 20,000 are up to 20 million events: give Redis some 5 GB, or lower this.',
  ),
  refreshMs: variable(
    'ODOMETER_INGEST_REFRESH_MS',
    durationMs({ min: 100, max: 600_000, default: 3_000 }),
    'How often API keys and webhooks are read from Postgres. A revoked key is refused at most this much later.',
  ),
} as const;

export type Config = ConfigOf<typeof variables>;

export const checkConfig = checkEventConfig;
