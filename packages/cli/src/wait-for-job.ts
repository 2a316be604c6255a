import { setTimeout as sleep } from 'node:timers/promises';
import { findFailure } from '@odometer/database/dead-letters';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import type { QueueName } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import { startProgress } from './progress.ts';
import { onceRedisReturns } from './redis.ts';

/** Each look is a few queries. */
const INTERVAL_MS = 500;
/** As long as a job may take to get on: longer than anything a worker does before it shows. */
const PATIENCE_MINUTES = 10;

/** What was seen of a job's work in Postgres. */
export interface Look {
  readonly isDone: boolean;
  /** In a few words, for people; while they change, there is progress. */
  readonly progress: string;
}

/**
 * Waits until a worker has done what a job asks for, and shows how far it is.
 *
 * @param look says whether it is done; `isGone`: the job has left its queue, so what it did is in Postgres by now, unless
 *   another job goes on with it.
 * @throws OdometerError `job_failed`, `redis_unavailable`; `job_unanswered`: nothing has happened for ten minutes.
 */
export async function waitForJob<Q extends QueueName>(
  { pool, queue }: { readonly pool: Pool; readonly queue: JobQueue<Q> },
  jobId: string,
  look: (isGone: boolean) => Promise<Look>,
): Promise<void> {
  const shown = startProgress();
  let last = '';
  let movedAtMs = performance.now();
  try {
    for (;;) {
      const isGone = (await onceRedisReturns(() => queue.get(jobId))) === undefined;
      const { isDone, progress } = await look(isGone);
      if (isDone) return;
      const reason = isGone ? await findFailure(pool, queue.name, jobId) : undefined;
      if (reason !== undefined) throw new OdometerError('job_failed', { jobId, reason });
      const nowMs = performance.now();
      if (progress !== last) [last, movedAtMs] = [progress, nowMs];
      if (nowMs - movedAtMs > PATIENCE_MINUTES * 60_000) {
        throw new OdometerError('job_unanswered', { jobId, minutes: PATIENCE_MINUTES });
      }
      shown.tell(progress);
      await sleep(INTERVAL_MS);
    }
  } finally {
    shown.done();
  }
}
