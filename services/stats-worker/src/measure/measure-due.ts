import { dueTargets } from '@odometer/database/measuring/measurements';
import type { Queryable } from '@odometer/database/pool';
import type { Measure } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';

/**
 * Has every target measured that was not in this hour, and every one emptied that is retired, by a job of its own. One that failed is tried again with the next
 * bell. The job's id is the target's, so that none is asked for twice at once.
 */
export async function measureDue(
  db: Queryable,
  queue: JobQueue<'measure'>,
  nowMs: number,
): Promise<void> {
  for (const { kind, target, purpose } of await dueTargets(db, new Date(nowMs))) {
    const job: Measure = { kind, target, purpose, options: {}, part: 1 };
    const jobId = `${kind}.${target}${purpose === 'retire' ? '.retire' : ''}`;
    await queue.add('target', job, jobId);
  }
}
