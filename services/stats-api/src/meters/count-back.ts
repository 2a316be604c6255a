import type { StoredMeter } from '@odometer/database/meters/stored-meter';
import { countBackJobId } from '@odometer/queues/count-back-job';
import type { ApiParts } from '../http/route.ts';

/**
 * Asks the worker to count what came before a new meter. It finds that by itself within the hour, so that Redis is away is
 * no reason to refuse a meter that has been created.
 */
export async function countBack(
  { slug, countingBack }: StoredMeter,
  { ask, log }: ApiParts,
): Promise<void> {
  if (!countingBack) return;
  const job = { meter: slug, part: 0 };
  try {
    await ask('count-back', job, countBackJobId(job));
  } catch (error) {
    log.warn({ event: 'count_back_not_asked', error });
  }
}
