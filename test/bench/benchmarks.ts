import { coldStartFigures } from './cold-start/cold-start-figures.ts';
import { eventsBatch100, eventsLatency, eventsSingle } from './events/event-figures.ts';
import type { Figure } from './figure.ts';
import { mqttGrowth, mqttQos0, mqttQos0Upgraded, mqttQos1 } from './mqtt/mqtt-figures.ts';
import { closeMonthFigures } from './periods/close-figures.ts';
import { posthocDuckDbFigures } from './posthoc/posthoc-figures.ts';
import { queryDayFigures } from './reading/query-figures.ts';
import { limitsCheckFigures, projectStatsFigures } from './reading/reading-figures.ts';
import type { Servers } from './servers.ts';
import type { Settings } from './settings.ts';
import { listBucketFigures, listMemoryFigures } from './storage/list-figures.ts';
import { objectChangesFigures } from './storage/object-figures.ts';

/** Measures something. @returns its figures; a run that loses or doubles anything throws instead. */
export type Benchmark = (servers: Servers, settings: Settings) => Promise<readonly Figure[]>;

/** Every benchmark by the name that ONLY takes, in the order in which they run. */
export const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map([
  ['mqtt-qos1', mqttQos1],
  ['mqtt-qos0', mqttQos0],
  ['mqtt-qos0-upgraded', mqttQos0Upgraded],
  ['mqtt-growth', mqttGrowth],
  ['events-batch100', eventsBatch100],
  ['events-single', eventsSingle],
  ['events-latency', eventsLatency],
  ['close-month', closeMonthFigures],
  ['limits-check', limitsCheckFigures],
  ['project-stats', projectStatsFigures],
  ['query-day', queryDayFigures],
  ['object-changes', objectChangesFigures],
  ['list-bucket', listBucketFigures],
  ['list-memory', listMemoryFigures],
  ['posthoc-duckdb', posthocDuckDbFigures],
  ['cold-start', coldStartFigures],
]);

/** What docs/benchmarks.md holds, in its order: the image's size comes from `make image-test`. */
export const ENTRY_ORDER: readonly string[] = [...BENCHMARKS.keys(), 'image-size'];
