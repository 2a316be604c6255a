import { describe, expect, test } from '@jest/globals';
import { declaredMetrics } from './documentation/declared-metrics.ts';
import { holdEqual } from './documentation/hold-equal.ts';
import { metricsMarkdown } from './documentation/metrics-markdown.ts';

const services = declaredMetrics();
const metrics = [...services.values()].flat();

/** Labels whose values somebody outside chooses: each new value is a new series, for ever. */
const UNBOUNDED =
  /project|organization|device|topic|client|source|subject|user|error|message|url|path/;

describe('every metric', () => {
  test('is in docs/metrics.md; refresh it with UPDATE_DOCS=1', () => {
    holdEqual('metrics.md', metricsMarkdown(services));
  });

  test.each(metrics.map(({ name, ...metric }) => [name, metric] as const))(
    '%s has our prefix, a help text, base units and bounded labels',
    (name, { help, type, labels }) => {
      expect(name).toMatch(/^odometer_[a-z0-9_]+$/);
      expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|kb|mb|percent)(_|$)/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(help).toMatch(/^[A-Z0-9].*[.]$/s);
      for (const label of labels) expect(label).not.toMatch(UNBOUNDED);
    },
  );
});
