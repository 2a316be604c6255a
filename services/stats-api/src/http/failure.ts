import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import { isInfrastructureError } from '@odometer/queues/infrastructure-error';

/** SQLSTATE of a statement that was cancelled, which here only its timeout does. */
const QUERY_CANCELED = '57014';

/**
 * What an error means to a client. That something is away it may know, not where that is: addresses stay in the log.
 *
 * @returns an expected failure, or the error as it is: a bug.
 */
export function failureOf(error: unknown, statementTimeoutMs: number): unknown {
  if (error instanceof Error && 'code' in error && error.code === QUERY_CANCELED) {
    return new OdometerError('query_too_slow', { timeoutMs: statementTimeoutMs }, { cause: error });
  }
  if (isOdometerError(error) && error.code !== 'queue_unavailable') return error;
  return isInfrastructureError(error)
    ? new OdometerError('storage_unavailable', {}, { cause: error })
    : error;
}
