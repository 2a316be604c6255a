import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { buildVersion } from './version.ts';

export type { Registry } from 'prom-client';

/** The metrics of one process: Node's own under prom-client's usual names, and which build this is. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'odometer_build_info',
    help: 'Always 1; the labels say which service and version this is.',
    labelNames: ['service', 'version'],
    registers: [registry],
  }).set({ service, version: buildVersion() }, 1);
  return registry;
}

/** Label values of one series, and its count so far. */
export type LabelledCount<Label extends string> = readonly [
  Readonly<Record<Label, string>>,
  number,
];

/**
 * A counter that is read at scrape from integers the hot path keeps anyway: an increment there costs a `+= 1` instead
 * of prom-client's label hashing.
 *
 * @param options.read the count since process start, or one for each set of labels. Must never fall. Undefined while nobody
 *   knows, of one that is read from elsewhere: then there is none.
 */
export function integerCounter<Label extends string = never>(options: {
  readonly name: string;
  readonly help: string;
  readonly registry: Registry;
  readonly labelNames?: readonly Label[];
  readonly read: () => number | undefined | Iterable<LabelledCount<Label>>;
}): void {
  const { name, help, registry, labelNames = [], read } = options;
  const metric: Counter<Label> = new Counter<Label>({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      // A zero would be a restart of the counter to whoever asks for its increase.
      if (labelNames.length === 0) metric.remove();
      else metric.reset();
      const counts = read();
      if (typeof counts === 'number') metric.inc(counts);
      else for (const [labels, count] of counts ?? []) metric.inc(labels, count);
    },
  });
}

/**
 * A gauge that is read at scrape.
 *
 * @param options.read the value, or one for each set of labels; undefined while nobody knows: then there is none.
 */
export function gauge<Label extends string = never>(options: {
  readonly name: string;
  readonly help: string;
  readonly registry: Registry;
  readonly labelNames?: readonly Label[];
  readonly read: () => number | undefined | Iterable<LabelledCount<Label>>;
}): void {
  const { name, help, registry, labelNames = [], read } = options;
  const metric: Gauge<Label> = new Gauge<Label>({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      // A set of labels that is gone must not keep its last value.
      if (labelNames.length === 0) metric.remove();
      else metric.reset();
      const values = read();
      if (typeof values === 'number') metric.set(values);
      else for (const [labels, value] of values ?? []) metric.set(labels, value);
    },
  });
}

/** Counts that are kept by name, as series of one label. */
export function labelled<Label extends string>(
  label: Label,
  counts: Readonly<Record<string, number>>,
): readonly LabelledCount<Label>[] {
  return Object.entries(counts).map(
    ([value, count]) => [{ [label]: value } as Record<Label, string>, count] as const,
  );
}
