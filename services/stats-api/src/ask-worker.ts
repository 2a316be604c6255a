import { OdometerError } from '@odometer/domain/errors';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { ApiParts } from './http/route.ts';

/** A client waits, and may send the same request again. */
const DEADLINE_MS = 4_000;

/** Makes the function with which handlers ask the worker for something. */
export function askWorker(queue: JobQueue<'periods'>): ApiParts['ask'] {
  return async (name, payload, jobId) => {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      await enqueueUntilDurable(queue, name, payload, jobId, { signal });
    } catch (cause) {
      if (!signal.aborted) throw cause;
      const reason = `not confirmed within ${DEADLINE_MS} ms`;
      throw new OdometerError('queue_unavailable', { queue: 'periods', reason }, { cause });
    }
  };
}
