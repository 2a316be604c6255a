import { gauge, type Registry } from '@odometer/service-kit/metrics';
import type { StorageReading } from './storage-reading.ts';

/** Declares the metrics of the ledger of stored objects. Every worker shows the same. */
export function createStorageMetrics(
  registry: Registry,
  reading: Pick<StorageReading, 'progress'>,
): void {
  gauge({
    name: 'odometer_storage_unattributed_bytes',
    help: 'Bytes of stored objects that are nobody’s: their keys are outside what their bucket declares, or name what is not registered.',
    registry,
    read: () => reading.progress?.unattributedBytes,
  });
  gauge({
    name: 'odometer_storage_unattributed_objects',
    help: 'Stored objects that are nobody’s.',
    registry,
    read: () => reading.progress?.unattributedObjects,
  });
  gauge({
    name: 'odometer_storage_unread_projects',
    help: 'Projects whose stored bytes changed since their gauges were recorded. Recorded every 15 seconds: more than a few for minutes means that no worker takes the queue objects.',
    registry,
    read: () => reading.progress?.unreadProjects,
  });
  gauge({
    name: 'odometer_storage_settled_timestamp_seconds',
    help: 'Up to when byte-hours are settled, Unix time. Two hours behind: no bell is answered.',
    registry,
    read: () => {
      const progress = reading.progress;
      return progress === undefined ? undefined : progress.settledThrough.getTime() / 1_000;
    },
  });
  gauge({
    name: 'odometer_storage_unmapped_buckets',
    help: 'Buckets whose objects are being mapped again, because what their keys mean was changed.',
    registry,
    read: () => reading.progress?.bucketsToMap,
  });
}
