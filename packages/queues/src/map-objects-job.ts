import type { MapObjects } from './catalogue.ts';

/** The job that maps a bucket's objects again, from the first. */
export function mapObjectsJob(bucket: {
  readonly id: number;
  readonly mappingVersion: number;
}): MapObjects {
  return { bucketId: bucket.id, mappingVersion: bucket.mappingVersion, part: 1, after: null };
}

/** The same for whoever asks for it: there is one job at most that maps a bucket by a version of what its keys mean. */
export function mapObjectsJobId({ bucketId, mappingVersion, part }: MapObjects): string {
  return `map-objects.${bucketId}.${mappingVersion}-${part}`;
}
