import { type Backoff, backoffMs } from '@odometer/domain/backoff';
import { isOdometerError } from '@odometer/domain/errors';
import type { JobCatalogue, QueueName } from './catalogue.ts';
import type { JobQueue } from './job-queue.ts';
import { pause } from './pause.ts';

/** Quick at first, for a lost reply; capped low, because a counter holds PUBACKs back while it waits. */
const BACKOFF: Backoff = { firstMs: 50, capMs: 2_000 };

/** What happened to one attempt, for a log line. */
export interface EnqueueRetry {
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: Error;
}

/**
 * Adds a job until Redis has it on its disk: the same id and content again after every failure, whatever its outcome
 * was. Redis away, full, loading or read-only: it waits.
 *
 * @param payload is frozen from now on: whoever changes it before this settles makes Redis hold something else than
 *   the caller believes.
 * @throws the signal's reason when it was aborted first; the job may be in Redis all the same.
 */
export async function enqueueUntilDurable<
  Q extends QueueName,
  Name extends keyof JobCatalogue[Q] & string,
>(
  queue: JobQueue<Q>,
  jobName: Name,
  payload: JobCatalogue[Q][Name],
  jobId: string,
  options: { readonly signal: AbortSignal; readonly onRetry?: (retry: EnqueueRetry) => void },
): Promise<void> {
  const { signal, onRetry } = options;
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      await queue.add(jobName, payload, jobId);
      return;
    } catch (error) {
      if (!isOdometerError(error, 'queue_unavailable')) throw error;
      const delayMs = backoffMs(BACKOFF, attempt);
      onRetry?.({ attempt, delayMs, error });
      await pause(delayMs, signal);
    }
  }
}
