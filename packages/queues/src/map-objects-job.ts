import type { MapObjects } from './catalogue.ts';
import type { JobQueue } from './job-queue.ts';

/** The same for whoever asks for it: there is one job at most that maps a bucket by a version of what its keys mean. */
export function mapObjectsJobId({ bucketId, mappingVersion, part }: MapObjects): string {
  return `map-objects.${bucketId}.${mappingVersion}-${part}`;
}

/** Has a bucket's objects mapped again, from the first. Asking twice is asking once. */
export async function askToMapObjects(
  queue: Pick<JobQueue<'objects'>, 'add'>,
  bucketId: number,
  mappingVersion: number,
): Promise<void> {
  const job = { bucketId, mappingVersion, part: 1, after: null };
  await queue.add('map-objects', job, mapObjectsJobId(job));
}
