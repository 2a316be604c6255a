import type { HoldUp } from '@odometer/domain/hold-up';
import type { AnyQueue } from './dead-letter.ts';
import { findOldJobs } from './old-jobs.ts';

/**
 * What lies in the queues that was accepted before a month's end.
 *
 * @throws OdometerError `queue_unavailable`: nothing is known.
 */
export async function queuedBefore(
  queues: readonly AnyQueue[],
  endMs: number,
): Promise<readonly HoldUp[]> {
  const holdUps: HoldUp[] = [];
  for (const queue of queues) {
    const { jobs, organizations } = await findOldJobs(queue, endMs);
    if (jobs === 0) continue;
    holdUps.push({
      organizations,
      reason: `${jobs} job(s) from before the month's end are still in the queue ${queue.name}`,
    });
  }
  return holdUps;
}
