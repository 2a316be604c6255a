import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { Values } from '../chart/harness/helm.ts';
import { find, refusalOf, renderFile, valuesFile } from '../chart/harness/rendered-chart.ts';
import { promtool } from './promtool.ts';
import { ALERTS, GROUPS, type RuleGroup } from './rule-files.ts';

/** All components, and a Redis whose durability is checked: nothing is left out for another reason. */
const ALL: Values = {
  components: { iotCounter: { enabled: true } },
  redis: { durability: 'always' },
};

const withRule = (prometheusRule: Values, values: Values = ALL): Values => ({
  ...values,
  monitoring: { prometheusRule: { enabled: true, ...prometheusRule } },
});

interface Rule {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly groups: readonly RuleGroup[] };
}

/** The PrometheusRule as the chart renders it with these values of its own. */
function render(prometheusRule: Values, values?: Values): Rule {
  const objects = renderFile('ci/full', { values: withRule(prometheusRule, values) });
  return find(objects, 'PrometheusRule', 'odometer-alerts') as object as Rule;
}

/** The chart knows how many counters there are: ci/full has three. */
const ofThreeCounters = (expr: string) =>
  expr.replace('1 # mqttCounterPods', '3 # mqttCounterPods');

const alertsOf = ({ spec }: Rule) => spec.groups.flatMap(({ rules }) => rules);

test('what is installed is what was tried: the rules of the files, with labels and the place of the runbooks', () => {
  const { spec } = render({
    job: 'odometer',
    runbookUrl: 'https://wiki.example/runbooks/',
  });
  const expected = GROUPS.map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => ({
      ...rule,
      expr: ofThreeCounters(rule.expr),
      labels: { ...rule.labels, namespace: 'metering', team: 'billing' },
      annotations: {
        ...rule.annotations,
        runbook_url: `https://wiki.example/runbooks/${rule.alert}.md`,
      },
    })),
  }));
  expect(spec.groups).toEqual(expected);
});

test('Prometheus can read what is rendered, whatever is set', () => {
  const thresholds = {
    ingestErrorBudget: 0.0005,
    deadLetterAgeSeconds: 12_345_678,
    failureRatio: 1,
  };
  const { spec } = render({ thresholds, alertLabels: { team: 'metering' } });
  withRuleFile(spec, (file) => {
    const { ok, output } = promtool('check', 'rules', file);
    expect(ok ? '' : output).toBe('');
  });
});

/** The rules as Prometheus has them, in a file beside which there is room for another. */
function withRuleFile(spec: Rule['spec'], use: (file: string, directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'odometer-rules-'));
  try {
    const file = join(directory, 'rules.yaml');
    writeFileSync(file, stringify(spec));
    use(file, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('one of three counters that is not scheduled is missed, as long as it is one of the release', () => {
  const up = (pod: number, values: string) => ({
    series: `up{job="odometer", component="mqtt-counter", pod="odometer-mqtt-counter-${pod}"}`,
    values,
  });
  const firing = (minutes: number, alerts: readonly object[]) => ({
    eval_time: `${minutes}m`,
    alertname: 'OdometerCountersMissing',
    exp_alerts: alerts,
  });
  const { spec } = render({ job: 'odometer' });
  const missed = spec.groups
    .flatMap(({ rules }) => rules)
    .find(({ alert }) => alert === 'OdometerCountersMissing');
  withRuleFile(spec, (file, directory) => {
    const tests = join(directory, 'tests.yaml');
    const alert = {
      exp_labels: missed?.labels,
      exp_annotations: {
        ...missed?.annotations,
        description:
          '2 pods of mqtt-counter answer Prometheus, and there should be more: each has a filter of its own.',
      },
    };
    const unitTest = {
      interval: '1m',
      // Its node is drained, and no other has room: there is no target any more that could be down.
      input_series: [up(0, '1x60'), up(1, '1x60'), up(2, '1x20 stale')],
      alert_rule_test: [firing(20, []), firing(29, []), firing(40, [alert])],
    };
    writeFileSync(tests, stringify({ rule_files: [file], tests: [unitTest] }));
    const { ok, output } = promtool('test', 'rules', tests);
    expect(ok ? '' : output).toBe('');
  });
});

test('the number of counters is that of the chart, unless somebody says another', () => {
  const exprOf = (thresholds: Values, values?: Values) =>
    alertsOf(render({ thresholds }, values)).find(
      ({ alert }) => alert === 'OdometerCountersMissing',
    )?.expr;
  expect(exprOf({})).toContain('< 3 # mqttCounterPods');
  expect(exprOf({ mqttCounterPods: 2 })).toContain('< 2 # mqttCounterPods');
  const off = { components: { mqttCounter: { enabled: false } } };
  expect(exprOf({}, off)).toBeUndefined();
});

test('a threshold replaces its number wherever it is, and no other', () => {
  const changed = alertsOf(render({ job: 'odometer', thresholds: { ingestErrorBudget: 0.0005 } }));
  for (const [index, { alert, expr }] of ALERTS.entries()) {
    expect([alert, changed[index]?.expr]).toEqual([
      alert,
      ofThreeCounters(expr).replaceAll('0.001 # ingestErrorBudget', '0.0005 # ingestErrorBudget'),
    ]);
  }
  const large = alertsOf(render({ thresholds: { deadLetterAgeSeconds: 12_345_678 } }));
  expect(large.find(({ alert }) => alert === 'OdometerDeadLettersOld')?.expr).toContain(
    '> 12345678 # deadLetterAgeSeconds',
  );
});

test('the job is that of the PodMonitor, unless somebody says another', () => {
  for (const { expr } of alertsOf(render({ job: '' }))) {
    expect(expr).toContain('job="metering/odometer-metrics"');
    expect(expr).not.toContain('job="odometer"');
  }
});

test('an alert can be left out, and labels and groups come on top', () => {
  const rule = render({
    additionalLabels: { release: 'kube-prometheus-stack' },
    alertLabels: { team: 'metering' },
    disabled: { OdometerQueueOld: true, OdometerQueueVeryOld: false },
    additionalGroups: [{ name: 'mine', rules: [{ alert: 'Mine', expr: 'vector(1)' }] }],
  });
  const alerts = alertsOf(rule);
  const names = alerts.map(({ alert }) => alert);
  expect(rule.metadata.labels?.release).toBe('kube-prometheus-stack');
  expect(names).not.toContain('OdometerQueueOld');
  expect(names).toContain('OdometerQueueVeryOld');
  expect(names.at(-1)).toBe('Mine');
  for (const { labels } of alerts.slice(0, -1)) expect(labels.team).toBe('metering');
});

test('nobody misses what is switched off, nor a file that Redis keeps in its own way', () => {
  const alerts = alertsOf(
    render(
      {},
      { components: { iotCounter: { enabled: false } }, redis: { durability: 'managed' } },
    ),
  );
  const missing = alerts.filter(({ alert }) => alert === 'OdometerTargetMissing');
  expect(missing.map(({ labels }) => labels.component)).not.toContain('iot-counter');
  expect(missing.map(({ labels }) => labels.component)).toContain('counting-worker');
  expect(alerts.map(({ alert }) => alert)).not.toContain('OdometerRedisNotDurable');
});

test.each([
  [
    'a threshold that does not exist',
    { thresholds: { queueAge: 1 } },
    'thresholds.queueAge: there is no such threshold',
  ],
  [
    'a threshold that is no number',
    { thresholds: { queueAgeSeconds: '5m' } },
    'queueAgeSeconds: 5m is not a number',
  ],
  [
    'an alert that does not exist',
    { disabled: { QueueOld: true } },
    'disabled.QueueOld: there is no such alert',
  ],
])('%s is refused with a sentence', (_what, prometheusRule, sentence) => {
  const values = withRule(prometheusRule);
  expect(refusalOf({ files: [valuesFile('ci/full').path], values })).toContain(sentence);
});
