import type { AnyQueue } from './dead-letter.ts';
import type { JobState } from './job-queue.ts';

/** A job that is in Redis. */
export interface FoundJob {
  readonly state: JobState;
  /** Accepted items it carries: events or messages. */
  readonly accepted: number;
}

/** Keeps one answer of Redis to a few MB; larger than small, because each question reads the list of waiting jobs anew. */
const IDS_AT_ONCE = 5_000;

/**
 * Looks jobs up, for the books: what is in flight is what is here. An id that is missing from the answer is not in Redis,
 * or in none of its lists, which is the same: nobody will ever work on it.
 *
 * Read this first and Postgres after it: a job that is finished in between is then seen in one of them at least.
 *
 * @throws OdometerError `queue_unavailable`: nothing is known about any of them.
 */
export async function findJobs(
  queue: AnyQueue,
  jobIds: readonly string[],
): Promise<Map<string, FoundJob>> {
  const found = new Map<string, FoundJob>();
  for (let from = 0; from < jobIds.length; from += IDS_AT_ONCE) {
    await findSome(queue, jobIds.slice(from, from + IDS_AT_ONCE), found);
  }
  return found;
}

async function findSome(
  queue: AnyQueue,
  jobIds: readonly string[],
  found: Map<string, FoundJob>,
): Promise<void> {
  const replies = await queue.run(async (redis) => {
    // One transaction: a job that moves between two questions would be in neither list.
    const multi = redis.multi();
    multi.lrange(queue.key('wait'), 0, -1).lrange(queue.key('active'), 0, -1);
    for (const jobId of jobIds) {
      multi.hget(queue.key(jobId), 'opts');
      multi.zscore(queue.key('delayed'), jobId).zscore(queue.key('failed'), jobId);
    }
    return valuesOf(await multi.exec());
  });
  const waiting = new Set(replies[0] as readonly string[]);
  const active = new Set(replies[1] as readonly string[]);
  for (const [index, jobId] of jobIds.entries()) {
    const [options, delayedAt, failedAt] = replies.slice(2 + 3 * index, 5 + 3 * index);
    if (typeof options !== 'string') continue;
    const state = stateOf({
      waiting: waiting.has(jobId),
      active: active.has(jobId),
      delayed: delayedAt !== null,
      failed: failedAt !== null,
    });
    if (state !== undefined) found.set(jobId, { state, accepted: itemsOf(options) });
  }
}

function valuesOf(replies: readonly [Error | null, unknown][] | null): unknown[] {
  if (replies === null) throw new Error('the transaction was discarded');
  return replies.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}

function stateOf(isIn: Readonly<Record<JobState, boolean>>): JobState | undefined {
  const states: readonly JobState[] = ['active', 'waiting', 'delayed', 'failed'];
  return states.find((state) => isIn[state]);
}

/** What JobQueue.add noted besides BullMQ's own options. */
function itemsOf(options: string): number {
  const { items } = JSON.parse(options) as { readonly items?: number };
  return items ?? 0;
}
