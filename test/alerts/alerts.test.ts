import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import { createRegistry } from '@odometer/service-kit/metrics';
import { declaredMetrics } from '../documentation/declared-metrics.ts';
import { promtool } from './promtool.ts';
import {
  ALERT_NAMES,
  ALERTS,
  type Alert,
  QUESTIONS,
  RULE_FILES,
  TEST_FILES,
  THRESHOLDS,
} from './rule-files.ts';
import { bareMetrics, groupedBy, type Selector, selectorsOf } from './selectors.ts';

const RUNBOOKS = fileURLToPath(new URL('../../docs/runbooks', import.meta.url));
/** Known of every target. `component` comes from the chart's PodMonitor. */
const TARGET_LABELS = ['job', 'instance', 'pod', 'component'];

const metrics = new Map([...declaredMetrics().values()].flat().map((each) => [each.name, each]));
const ofNode = createRegistry('alerts')
  .getMetricsAsArray()
  .map(({ name }) => name);

/** A metric of ours by the name of one of its series. */
function metricOf({ metric }: Pick<Selector, 'metric'>) {
  const found = metrics.get(metric);
  if (found !== undefined) return found;
  const histogram = metrics.get(metric.replace(/_(bucket|sum|count)$/, ''));
  return histogram?.type === 'histogram' ? histogram : undefined;
}

function labelsOf(selector: Pick<Selector, 'metric'>): readonly string[] {
  const own = metricOf(selector)?.labels ?? [];
  return [...own, ...TARGET_LABELS, ...(selector.metric.endsWith('_bucket') ? ['le'] : [])];
}

test('Prometheus can read every file of rules', () => {
  const { ok, output } = promtool('check', 'rules', ...RULE_FILES);
  expect(ok ? '' : output).toBe('');
});

test.each(TEST_FILES)('the alerts fire when %s says, and not before', (_name, path) => {
  const { ok, output } = promtool('test', 'rules', path);
  expect(ok ? '' : output).toBe('');
});

describe.each(ALERT_NAMES)('%s', (name) => {
  const fires = QUESTIONS.filter(({ alertname }) => alertname === name).map(
    ({ exp_alerts = [] }) => exp_alerts.length > 0,
  );

  test('is seen firing and not firing', () => {
    expect(new Set(fires)).toEqual(new Set([true, false]));
  });

  test('says what to do in a runbook', () => {
    expect(existsSync(join(RUNBOOKS, `${name}.md`))).toBe(true);
  });
});

test('there is no runbook without its alert', () => {
  const pages = readdirSync(RUNBOOKS).filter((page) => page !== 'README.md');
  expect(pages.filter((page) => !ALERT_NAMES.includes(page.replace(/\.md$/, '')))).toEqual([]);
});

test('there is no test of an alert that is gone', () => {
  const gone = QUESTIONS.filter(({ alertname }) => !ALERT_NAMES.includes(alertname));
  expect(gone).toEqual([]);
});

describe.each(ALERTS.map((alert) => [titleOf(alert), alert] as const))('%s', (_title, alert) => {
  const { expr } = alert;
  const selectors = selectorsOf(expr);

  test('has a severity, and annotations that end like sentences', () => {
    expect(['critical', 'warning']).toContain(alert.labels.severity);
    expect(alert.annotations).toEqual({
      summary: expect.stringMatching(/^[A-Z].*[^.]$/),
      description: expect.stringMatching(/\.$/),
      runbook_url: expect.stringMatching(new RegExp(`/docs/runbooks/${alert.alert}\\.md$`)),
    });
  });

  test('asks for metrics of its job only, which exist and have the labels', () => {
    expect(selectors.length).toBeGreaterThan(0);
    expect(bareMetrics(expr)).toEqual([]);
    for (const selector of selectors) {
      const isKnown =
        metricOf(selector) !== undefined ||
        ofNode.includes(selector.metric) ||
        selector.metric === 'up';
      expect([selector.metric, isKnown]).toEqual([selector.metric, true]);
      expect(selector.matchers).toContainEqual({ label: 'job', values: ['odometer'] });
      for (const { label } of selector.matchers) expect(labelsOf(selector)).toContain(label);
    }
    const all = selectors.flatMap(labelsOf);
    for (const label of groupedBy(expr)) expect(all).toContain(label);
  });

  test('selects by values that the metric says it has', () => {
    for (const selector of selectors) {
      const help = metricOf(selector)?.help ?? '';
      for (const { label, values } of selector.matchers) {
        if (TARGET_LABELS.includes(label)) continue;
        const known = label === 'queue' ? QUEUE_NAMES.join(' ') : help;
        for (const value of values) expect(known).toMatch(new RegExp(`\\b${value}\\b`));
      }
    }
  });

  test('takes a gauge that many show as one', () => {
    for (const { metric, before } of selectors) {
      if (metrics.get(metric)?.type !== 'gauge' || PER_PROCESS.has(metric)) continue;
      expect(before).toMatch(/max( by \([^)]*\) )?\($/);
    }
  });
});

/** Gauges of which it matters how many processes show them, or which one. */
const PER_PROCESS = new Set([
  'odometer_scheduler_owner',
  'odometer_build_info',
  'odometer_clock_ahead_seconds',
]);

test('a number that can be set has one default', () => {
  expect(THRESHOLDS.size).toBeGreaterThan(20);
  for (const [name, numbers] of THRESHOLDS) {
    expect([name, new Set(numbers).size]).toEqual([name, 1]);
    expect(numbers.every(Number.isFinite)).toBe(true);
  }
});

function titleOf({ alert, labels }: Alert): string {
  return labels.component === undefined ? alert : `${alert} of ${labels.component}`;
}

test('runbooks name metrics that exist', () => {
  for (const page of readdirSync(RUNBOOKS)) {
    const text = readFileSync(join(RUNBOOKS, page), 'utf8');
    for (const [metric] of text.matchAll(/\bodometer_[a-z_]+(?=[`{,;. )])/g)) {
      expect([page, metric, metricOf({ metric }) !== undefined]).toEqual([page, metric, true]);
    }
  }
});
