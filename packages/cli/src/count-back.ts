import type { CountBack } from '@odometer/queues/catalogue';
import { countBackJobId } from '@odometer/queues/count-back-job';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { OpenQueue } from './redis.ts';

/** A person waits, and the worker finds by itself what is due; this only makes it quick. */
const DEADLINE_MS = 15_000;

/** Asks the worker to count what came before new meters. Asking twice is asking once. */
export async function askToCountBack(open: OpenQueue, jobs: readonly CountBack[]): Promise<void> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  for (const job of jobs) {
    await enqueueUntilDurable(open('periods'), 'count-back', job, countBackJobId(job), { signal });
  }
}
