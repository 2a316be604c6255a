import { createRegistry } from '@odometer/service-kit/metrics';
import * as ingestApi from '../../services/ingest-api/src/metrics.ts';
import * as mqttCounter from '../../services/mqtt-counter/src/metrics.ts';
import * as s3UsageWatcher from '../../services/s3-usage-watcher/src/metrics.ts';
import * as scheduler from '../../services/scheduler/src/metrics.ts';
import * as statsApi from '../../services/stats-api/src/metrics.ts';
import * as statsWorker from '../../services/stats-worker/src/metrics.ts';

/** A metric as prom-client knows it. */
export interface DeclaredMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** Modules that declare metrics: each exported function that takes a registry declares some in it. */
const MODULES: Readonly<Record<string, object>> = {
  'ingest-api': ingestApi,
  'mqtt-counter': mqttCounter,
  's3-usage-watcher': s3UsageWatcher,
  scheduler,
  'stats-api': statsApi,
  'stats-worker': statsWorker,
};

/** Every metric of every service that begins with our prefix or should; Node's and the process's own are left out. */
export function declaredMetrics(): ReadonlyMap<string, readonly DeclaredMetric[]> {
  const common = metricsOf({});
  const own = Object.entries(MODULES).map(
    ([service, module]) =>
      [
        service,
        metricsOf(module).filter(({ name }) => !common.some((each) => each.name === name)),
      ] as const,
  );
  return new Map([['every process', common.filter(({ name }) => isOurs(name))], ...own]);
}

function isOurs(name: string): boolean {
  return !/^(nodejs|process)_/.test(name);
}

function metricsOf(module: object): readonly DeclaredMetric[] {
  const registry = createRegistry('documentation');
  for (const [name, declare] of Object.entries(module)) {
    if (/^(create|expose)/.test(name) && typeof declare === 'function') declare(registry, anything);
  }
  return registry.getMetricsAsArray().map((metric) => {
    // prom-client keeps labels and type on the metric, and leaves them out of its own types.
    const { labelNames = [], type } = metric as object as { labelNames?: string[]; type?: string };
    return {
      name: metric.name,
      help: metric.help,
      type: type ?? typeOf(metric),
      labels: labelNames,
    };
  });
}

function typeOf(metric: object): string {
  return metric.constructor.name.toLowerCase();
}

/** Stands in for what is only read at scrape: whatever is asked of it or called on it is itself again. */
const anything: unknown = new Proxy(() => {}, {
  get: (_target, property) => (property === Symbol.iterator ? () => [].values() : anything),
  apply: () => anything,
});
