import { acceptedItems } from './accepted-items.ts';
import type { JobCatalogue, QueueName } from './catalogue.ts';
import type { JobQueue } from './job-queue.ts';
import { payloadOwners } from './payload-owners.ts';

/** A job that failed for good, as it is kept in Postgres. */
export interface DeadLetter {
  readonly queue: QueueName;
  readonly jobId: string;
  readonly jobName: string;
  /** JSON text, as it was added. */
  readonly payload: string;
  readonly reason: string;
  readonly attempts: number;
  /** The batch it carried, and how many items; null when it carried none. */
  readonly epoch: string | null;
  readonly seq: number | null;
  readonly items: number;
  /** Slugs of those whose usage it carries; null when nobody can tell. */
  readonly organizations: readonly string[] | null;
  readonly acceptedAtMs: number | null;
  readonly failedAtMs: number;
}

/** Removes a job only while it is failed: one that was added again in the meantime under its id is left alone. */
const REMOVE_FAILED = `
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('DEL', KEYS[2], KEYS[2] .. ':logs')
  return 1
end
return 0`;

/** Whatever can say where its jobs are; a JobQueue of any queue. */
export type AnyQueue = Pick<JobQueue<QueueName>, 'name' | 'key' | 'run' | 'depth'>;

/** Up to `limit` failed jobs, the longest failed first. */
export async function findDeadLetters(queue: AnyQueue, limit: number): Promise<DeadLetter[]> {
  const ids = await queue.run((redis) => redis.zrange(queue.key('failed'), 0, String(limit - 1)));
  const letters: DeadLetter[] = [];
  for (const jobId of ids) {
    const [jobName, payload, reason, attempts, finishedOn] = await queue.run((redis) =>
      redis.hmget(queue.key(jobId), 'name', 'data', 'failedReason', 'atm', 'finishedOn'),
    );
    if (jobName == null || payload == null) {
      // Removed by a rival sweep since we listed it; if only its id is left, that would be found for ever.
      await removeFailedJob(queue, jobId);
      continue;
    }
    const content: unknown = JSON.parse(payload);
    letters.push({
      queue: queue.name,
      jobId,
      jobName,
      payload,
      reason: reason ?? '',
      attempts: Number(attempts ?? 0),
      ...batchOf(content),
      items: acceptedItems(content),
      ...payloadOwners(content),
      failedAtMs: Number(finishedOn ?? 0),
    });
  }
  return letters;
}

/** Takes a failed job out of Redis; nothing happens when it is not failed (any more). */
export async function removeFailedJob(queue: AnyQueue, jobId: string): Promise<void> {
  const [failed, job] = [queue.key('failed'), queue.key(jobId)];
  await queue.run((redis) => redis.eval(REMOVE_FAILED, 2, failed, job, jobId));
}

/**
 * Puts a dead letter back into its queue, as it was, under its own id. Safe to repeat, and while a sweep runs.
 * @param letter stays in Postgres until its job has succeeded: call this first, then note the retry.
 * @throws OdometerError `queue_unavailable`: perhaps it is back, perhaps not; try again.
 */
export async function retryDeadLetter<Q extends QueueName>(
  queue: JobQueue<Q>,
  letter: Pick<DeadLetter, 'jobId' | 'jobName' | 'payload'>,
): Promise<void> {
  // Its failed self, if the sweep has not removed it yet, would swallow the new one.
  await removeFailedJob(queue, letter.jobId);
  type Name = keyof JobCatalogue[Q] & string;
  const payload = JSON.parse(letter.payload) as JobCatalogue[Q][Name];
  await queue.add(letter.jobName as Name, payload, letter.jobId);
}

function batchOf(content: unknown): { readonly epoch: string | null; readonly seq: number | null } {
  if (typeof content !== 'object' || content === null) return { epoch: null, seq: null };
  const { epoch, seq } = content as { readonly epoch?: unknown; readonly seq?: unknown };
  return {
    epoch: typeof epoch === 'string' ? epoch : null,
    seq: typeof seq === 'number' ? seq : null,
  };
}
