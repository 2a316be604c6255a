import type { StoredBucket } from '@odometer/database/objects/buckets';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import { mapObjectsJob, mapObjectsJobId } from '@odometer/queues/map-objects-job';
import type { OpenQueue } from './redis.ts';

/** A person waits, and the worker finds by itself what is due; this only makes it quick. */
const DEADLINE_MS = 15_000;

/** Asks the worker to map the objects of buckets whose keys mean something else now. Asking twice is asking once. */
export async function askToMapObjects(
  open: OpenQueue,
  buckets: readonly StoredBucket[],
): Promise<void> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  for (const bucket of buckets) {
    const job = mapObjectsJob(bucket);
    await enqueueUntilDurable(open('objects'), 'map-objects', job, mapObjectsJobId(job), {
      signal,
    });
  }
}
