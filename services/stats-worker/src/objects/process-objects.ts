import type { ObjectBatch } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Processor } from '@odometer/queues/job-worker';
import { mapObjectsJobId } from '@odometer/queues/map-objects-job';
import { abortAfter } from '../abort-after.ts';
import { checkMapObjects, checkObjectBatch, checkRefusedNotification } from '../check-payload.ts';
import type { GroupCommit } from '../group-commit.ts';
import { mapObjects } from './map-objects.ts';
import type { ObjectParts } from './object-applier.ts';
import { retryRefusedNotification } from './retry-refused-notification.ts';

/** Of a job: well within its deadline, so that what it holds ends by itself and another job goes on. */
const BUDGET_MS = 15_000;

/** What is done with the jobs of the objects queue. @param groups apply the batches. */
export function createObjectsProcessor(
  parts: ObjectParts & { readonly queue: JobQueue<'objects'> },
  groups: GroupCommit<ObjectBatch>,
): Processor<'objects'> {
  return async (job, signal) => {
    switch (job.name) {
      case 'object-batch':
        await groups.submit(checkObjectBatch(job.payload));
        return;
      case 'refused-notification':
        await retryRefusedNotification(parts, checkRefusedNotification(job.payload));
        return;
      case 'map-objects': {
        const inTime = abortAfter(BUDGET_MS, signal);
        const rest = await mapObjects(parts, checkMapObjects(job.payload), inTime);
        if (rest === undefined) return;
        const next = { ...rest, part: rest.part + 1 };
        await parts.queue.add('map-objects', next, mapObjectsJobId(next));
        return;
      }
    }
  };
}
