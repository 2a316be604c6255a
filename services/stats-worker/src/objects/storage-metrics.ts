import { Gauge, type Registry } from 'prom-client';
import type { StorageReading } from './storage-reading.ts';

/** Declares the metrics of the ledger of stored objects. Every worker shows the same. */
export function createStorageMetrics(
  registry: Registry,
  reading: Pick<StorageReading, 'progress'>,
): void {
  const gauge = (name: string, help: string, read: () => number | undefined) => {
    const metric: Gauge = new Gauge({
      name,
      help,
      labelNames: [],
      registers: [registry],
      collect() {
        metric.remove();
        const value = read();
        if (value !== undefined) metric.set(value);
      },
    });
  };
  gauge(
    'odometer_storage_unattributed_bytes',
    'Bytes of stored objects that are nobody’s: their keys are outside what their bucket declares, or name what is not registered.',
    () => reading.progress?.unattributedBytes,
  );
  gauge(
    'odometer_storage_unattributed_objects',
    'Stored objects that are nobody’s.',
    () => reading.progress?.unattributedObjects,
  );
  gauge(
    'odometer_storage_unread_projects',
    'Projects whose stored bytes changed since their gauges were recorded. Recorded every 15 seconds: more than a few for minutes means that no worker takes the queue objects.',
    () => reading.progress?.unreadProjects,
  );
  gauge(
    'odometer_storage_settled_timestamp_seconds',
    'Up to when byte-hours are settled, Unix time. Two hours behind: no bell is answered.',
    () => {
      const progress = reading.progress;
      return progress === undefined ? undefined : progress.settledThrough.getTime() / 1_000;
    },
  );
  gauge(
    'odometer_storage_unmapped_buckets',
    'Buckets whose objects are being mapped again, because what their keys mean was changed.',
    () => reading.progress?.bucketsToMap,
  );
}
