import { OdometerError } from '@odometer/domain/errors';
import { settledWithin } from '@odometer/domain/settled-within';

/**
 * What `work` comes to, unless that takes too long; it goes on all the same.
 *
 * @throws OdometerError `ingest_unavailable` after the deadline
 */
export async function withinDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  if (await settledWithin(work, deadlineMs)) return work;
  const reason = `storage has not confirmed within ${deadlineMs} ms`;
  throw new OdometerError('ingest_unavailable', { reason });
}
