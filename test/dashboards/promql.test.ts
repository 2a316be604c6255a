import { describe, expect, test } from '@jest/globals';
import { FIGURES } from '@odometer/domain/books';
import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import { BELLS } from '../../services/scheduler/src/bells.ts';
import { documented, type KnownMetric, knownMetrics } from './known-metrics.ts';
import { type Selector, selectors, withoutVariables } from './promql.ts';
import { type DashboardModel, NAMES, panelsOf, readDashboard } from './sources.ts';

const known = knownMetrics();

/** What Prometheus itself, or the PodMonitor, puts to every series. */
const OF_SCRAPE = ['namespace', 'job', 'pod', 'instance'];

/** What labels that are compared with something may be. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  queue: QUEUE_NAMES,
  figure: FIGURES,
  schedule: BELLS.map(({ id }) => id),
  state: ['waiting', 'active', 'delayed', 'failed', 'draft', 'closing', 'held_up'],
  outcome: ['processed', 'failed', 'retried', 'stalled', 'infrastructure', 'complete'],
  status_class: ['5xx'],
  route: ['post_events'],
};

const targets = NAMES.flatMap((name) => {
  const dashboard = readDashboard(name);
  return [
    ...panelsOf(dashboard).flatMap(({ title, targets: ofPanel = [], type }) =>
      ofPanel.flatMap(({ expr, legendFormat = '', format = '' }) =>
        expr === undefined ? [] : [{ name, title, type, expr, legendFormat, format }],
      ),
    ),
    ...dashboard.annotations.list.flatMap(({ expr }) =>
      expr === undefined
        ? []
        : [{ name, title: 'annotation', type: '', expr, legendFormat: '', format: '' }],
    ),
  ];
});

/** The metric of a series, which for a histogram has a further name. */
function metricOf({ metric }: Selector): KnownMetric {
  const histogram = known.get(metric.replace(/_(bucket|sum|count)$/, ''));
  const found = histogram?.type === 'histogram' ? histogram : known.get(metric);
  if (found === undefined) throw new RangeError(`${metric} is not in docs/metrics.md`);
  if (found.type === 'histogram' && found.name === metric) {
    throw new RangeError(`${metric} is a histogram: ask for its _bucket, _sum or _count`);
  }
  return found;
}

const labelsOf = (selector: Selector): readonly string[] => [
  ...metricOf(selector).labels,
  ...OF_SCRAPE,
  ...(selector.metric.endsWith('_bucket') ? ['le'] : []),
];

describe('every query', () => {
  test.each(targets)('$name: $title: $legendFormat asks for what there is', ({ expr }) => {
    const found = selectors(withoutVariables(expr));
    expect(found).not.toHaveLength(0);
    const labels = found.flatMap(labelsOf);
    for (const selector of found) {
      expect(labelsOf(selector)).toEqual(
        expect.arrayContaining(selector.matchers.map(([label]) => label)),
      );
      // A label of another metric of the query may come with group_left.
      expect(labels).toEqual(expect.arrayContaining([...selector.groupedBy]));
      for (const [label, value] of selector.matchers) {
        if (value.startsWith('$')) continue;
        expect([label, VALUES[label]]).toEqual([label, expect.arrayContaining(value.split('|'))]);
      }
    }
  });

  test.each(targets)('$name: $title: $legendFormat makes of it what its type allows', (target) => {
    for (const selector of selectors(withoutVariables(target.expr))) {
      const { name, type, isShared } = metricOf(selector);
      const { within, groupedBy, metric } = selector;
      if (type !== 'gauge')
        expect([name, within]).toEqual([
          name,
          expect.arrayContaining([expect.stringMatching(/^(rate|increase)$/)]),
        ]);
      if (isShared)
        expect([name, within]).toEqual([
          name,
          expect.arrayContaining([expect.stringMatching(/^(max|min)$/)]),
        ]);
      if (metric.endsWith('_bucket'))
        expect([name, groupedBy]).toEqual([name, expect.arrayContaining(['le'])]);
    }
    if (target.type === 'heatmap')
      expect(target).toMatchObject({ format: 'heatmap', legendFormat: '{{le}}' });
  });

  test.each(targets)(
    '$name: $title: $legendFormat is of what was chosen, and told apart',
    (target) => {
      const { name, expr, legendFormat } = target;
      const found = selectors(withoutVariables(expr));
      for (const { matchers } of found) {
        expect(matchers).toEqual(
          expect.arrayContaining([
            ['namespace', '$namespace'],
            ['job', '$job'],
          ]),
        );
      }
      const groups = found.flatMap(({ groupedBy }) => groupedBy);
      for (const [, label = ''] of legendFormat.matchAll(/{{(\w+)}}/g)) {
        expect([legendFormat, groups]).toEqual([legendFormat, expect.arrayContaining([label])]);
      }
      expect(variablesOf(readDashboard(name))).toEqual(
        expect.arrayContaining(
          [...withoutVariables(expr).matchAll(/\$(\w+)/g)].map(([, variable]) => variable),
        ),
      );
    },
  );
});

test('every variable asks for a label that its metric has', () => {
  for (const name of NAMES) {
    for (const { query } of readDashboard(name).templating.list) {
      const { query: text = '' } = query as { query?: string };
      if (text === '') continue;
      const [, series = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? [];
      expect(selectors(series).flatMap(labelsOf)).toContain(label);
    }
  }
});

test('every metric of ours is on a dashboard: nobody looks at one that is not', () => {
  const shown = targets.flatMap(({ expr }) =>
    selectors(withoutVariables(expr)).map((selector) => metricOf(selector).name),
  );
  const missing = documented().filter(({ name }) => !shown.includes(name));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test.each([
  ['a metric that there is not', 'sum(rate(odometer_evnts_total[5m]))'],
  ['a histogram without its buckets', 'rate(odometer_apply_duration_seconds[5m])'],
])('%s is refused', (_, query) => {
  expect(() => selectors(query).map(metricOf)).toThrow(RangeError);
});

test('what Prometheus cannot read is refused', () => {
  expect(() => selectors('sum by (queue (odometer_queue_jobs)')).toThrow(SyntaxError);
});

function variablesOf(dashboard: DashboardModel): readonly string[] {
  return dashboard.templating.list.map(({ name }) => name);
}
