import { randomUUID } from 'node:crypto';
import { OdometerError } from '@odometer/domain/errors';
import type { JobCatalogue } from '@odometer/queues/catalogue';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { OpenQueue } from './redis.ts';

/** A person waits, and the command may be given again. */
const DEADLINE_MS = 15_000;

/**
 * Asks the worker for something to do with periods. Each time it is another job: one under the same id would be swallowed
 * by an older one that has already looked.
 *
 * @returns the job's id.
 * @throws OdometerError `redis_unavailable`
 */
export async function askPeriods<Name extends 'snapshot' | 'close-month'>(
  open: OpenQueue,
  name: Name,
  payload: JobCatalogue['periods'][Name],
): Promise<string> {
  const jobId = `${name}.asked-${randomUUID()}`;
  const signal = AbortSignal.timeout(DEADLINE_MS);
  await enqueueUntilDurable(open('periods'), name, payload, jobId, { signal }).catch((error) => {
    if (!signal.aborted) throw error;
    const reason = `nothing was taken within ${DEADLINE_MS / 1_000} s`;
    throw new OdometerError('redis_unavailable', { reason }, { cause: error });
  });
  return jobId;
}
