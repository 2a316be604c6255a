import { isOdometerError } from '@odometer/domain/errors';

/**
 * SQLSTATEs of failures that are nobody's fault: the same transaction will succeed when things are well again.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const SQL_STATES = [
  /^08/, // connection exceptions
  /^53/, // insufficient resources: too many connections, disk full
  /^57P/, // admin shutdown, crash shutdown, cannot connect now (starting up)
  /^58/, // system errors: I/O
  /^25006$/, // read-only transaction: a failover has made this server a standby
  /^40001$/, // serialization failure
  /^40P01$/, // deadlock detected
  /^55P03$/, // lock not available
];

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** pg 8 and ioredis 6 give these no code. */
const MESSAGES = [
  /^Connection terminated/,
  /^Client has encountered a connection error/,
  /^Client was closed/,
  /^timeout exceeded when trying to connect$/,
  /^timeout expired$/,
  /^Cannot use a pool after calling end/,
  /^Connection is closed\.$/,
  /^Command timed out$/,
  /^Command aborted due to connection close$/,
  /^Stream isn't writeable/,
  /^Reached the max retries per request limit/,
  /^Socket timeout\./,
  // Redis, while it fails over or starts.
  /^(READONLY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|LOADING) /,
];

/**
 * Whether something failed because what it depends on was away or busy, not because of what it was given. Such a failure
 * must not use up a job's attempts: an hour without Postgres would make every batch a dead letter.
 */
export function isInfrastructureError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isOdometerError(error)) {
    // A deadline may be the job's own fault: after enough of them it becomes a dead letter. And what we measure is nothing
    // that we depend on.
    const { code, kind, retry } = error;
    if (code === 'job_deadline_exceeded' || code === 'target_unavailable') return false;
    return kind === 'unavailable' && retry;
  }
  if ('code' in error && typeof error.code === 'string') {
    const { code } = error;
    if (SYSTEM_CODES.has(code) || SQL_STATES.some((pattern) => pattern.test(code))) return true;
  }
  if (MESSAGES.some((pattern) => pattern.test(error.message))) return true;
  // Node reports a host with several addresses as one error of many.
  if (error instanceof AggregateError && error.errors.some(isInfrastructureError)) return true;
  return isInfrastructureError(error.cause);
}
