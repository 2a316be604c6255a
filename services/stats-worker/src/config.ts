import { checkEventConfig, eventVariables } from '@odometer/intake/event-variables';
import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import {
  boolean,
  type ConfigOf,
  integer,
  list,
  optional,
  text,
  variable,
} from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisVariables } from '@odometer/service-kit/redis-variables';
import { serviceVariables } from '@odometer/service-kit/service-variables';

/** The environment of a stats-worker. */
export const variables = {
  ...serviceVariables,
  ...postgresVariables,
  ...redisVariables,
  queues: variable(
    'ODOMETER_WORKER_QUEUES',
    list(QUEUE_NAMES, { default: QUEUE_NAMES }),
    'Queues this worker takes jobs from, comma-separated. All by default; a deployment may give counting workers of its own, because counting must not wait for anything slow.',
  ),
  autoProvision: variable(
    'ODOMETER_AUTO_PROVISION',
    boolean(true),
    'Whether organizations, projects and devices are created when they are first seen. When false, their usage is kept unattributed until somebody registers them.',
  ),
  maxOrganizationsPerHour: variable(
    'ODOMETER_MAX_ORGANIZATIONS_PER_HOUR',
    integer({ min: 0, default: 100 }),
    'Organizations that may be discovered in an hour. Any publisher can invent names; what is beyond stays unattributed and nothing is lost.',
  ),
  maxProjectsPerHour: variable(
    'ODOMETER_MAX_PROJECTS_PER_HOUR',
    integer({ min: 0, default: 1_000 }),
    'Projects that may be discovered in an hour, for each organization.',
  ),
  maxDevicesPerHour: variable(
    'ODOMETER_MAX_DEVICES_PER_HOUR',
    integer({ min: 0, default: 10_000 }),
    'Devices that may be discovered in an hour, for each organization: a large fleet is known within a few hours, an attack is bounded.',
  ),
  closeGraceHours: variable(
    'ODOMETER_CLOSE_GRACE_HOURS',
    integer({ min: 0, default: 72 }),
    'Hours from a month’s end until it may be closed. Until then late usage is counted in its month, afterwards it becomes an adjustment; three days outlast a weekend without anybody on duty.',
  ),
  eventRetentionMonths: variable(
    'ODOMETER_EVENT_RETENTION_MONTHS',
    optional(integer({ min: 1 })),
    'Whole months of raw events that are kept besides the current one. Older ones are removed once their month is final for everybody, and what only raw events can answer is then refused. Unset, all are kept: a meter that is created later counts back what is there.',
  ),
  posthocDirectory: variable(
    'ODOMETER_POSTHOC_DIRECTORY',
    optional(text()),
    'Directory of logs: declared post-hoc metrics read files below it, and no others of this machine. Unset, none can be read.',
  ),
  posthocMemoryMb: variable(
    'ODOMETER_POSTHOC_MEMORY_MB',
    integer({ min: 64, default: 512 }),
    'Megabytes that DuckDB may use for a query, beside what the worker itself takes; what does not fit is written to the temporary directory. One query runs at a time.',
  ),
  posthocThreads: variable(
    'ODOMETER_POSTHOC_THREADS',
    integer({ min: 1, max: 256, default: 2 }),
    'Threads of a DuckDB query. Two halve the time, and leave the rest of a machine to others.',
  ),
  posthocFetchMb: variable(
    'ODOMETER_POSTHOC_FETCH_MB',
    integer({ min: 1, default: 2_048 }),
    'Megabytes of logs, as they are stored, that are fetched from a bucket for a query, into the temporary directory. A window with more fails and says so; without a limit a path that matches too much would fill the disk. Two gigabytes are about twenty million requests of a load balancer.',
  ),
  // Of items of pulled logs.
  ...eventVariables,
} as const;

export type Config = ConfigOf<typeof variables>;

export const checkConfig = checkEventConfig;
