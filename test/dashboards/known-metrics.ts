import { readFileSync } from 'node:fs';
import { createRegistry } from '@odometer/service-kit/metrics';

export interface KnownMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  /** Not one process tells of itself, but each of several tells of all: only the largest or smallest means something. */
  readonly isShared: boolean;
}

/** Gauges of these services are read from Postgres and Redis, and are the same in each process. */
const SHARING = ['stats-worker', 'scheduler'];
const SHARED = ['odometer_ingest_backlog_batches', 'odometer_storage_backlog_batches'];
const OWN = ['odometer_scheduler_owner'];

/** What docs/metrics.md says of our metrics, and prom-client of Node's and the process's own. */
export function knownMetrics(): ReadonlyMap<string, KnownMetric> {
  return new Map([...defaults(), ...documented()].map((metric) => [metric.name, metric]));
}

export function documented(): readonly KnownMetric[] {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  return page.split('\n## ').flatMap((section) => {
    const service = section.slice(0, section.indexOf('\n'));
    return [...section.matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*) \|/gm)].map(
      ([, name = '', type = '', labels = '']) => ({
        name,
        type,
        labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
        isShared:
          SHARED.includes(name) ||
          (type === 'gauge' && SHARING.includes(service) && !OWN.includes(name)),
      }),
    );
  });
}

function defaults(): readonly KnownMetric[] {
  return createRegistry('documentation')
    .getMetricsAsArray()
    .map((metric) => {
      // prom-client keeps the labels on the metric, and leaves them out of its own types.
      const { labelNames = [] } = metric as object as { labelNames?: string[] };
      const type = metric.constructor.name.toLowerCase();
      return { name: metric.name, type, labels: labelNames, isShared: false };
    });
}
