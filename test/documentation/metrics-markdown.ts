import type { DeclaredMetric } from './declared-metrics.ts';
import { row } from './hold-equal.ts';

/** The text of docs/metrics.md: a table for each service. */
export function metricsMarkdown(services: ReadonlyMap<string, readonly DeclaredMetric[]>): string {
  return [
    '# Metrics',
    '',
    'Every process serves these at `/metrics` of its admin port, in the text format of Prometheus, besides what prom-client',
    'tells of Node and the process (`nodejs_*`, `process_*`). Units are base units. Labels are bounded: none holds a project,',
    'a device, a topic or anything else that somebody outside chooses. Events and messages are counted after the outcome.',
    '',
    'Generated from each `metrics.ts`; refresh with `UPDATE_DOCS=1 pnpm jest test/metrics-documented.test.ts`.',
    ...[...services].flatMap(([service, metrics]) => [
      '',
      `## ${service}`,
      '',
      '| metric | type | labels | what it says |',
      '|---|---|---|---|',
      ...[...metrics]
        .sort((a, b) => a.name.localeCompare(b.name))
        .map(({ name, type, labels, help }) =>
          row([`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help]),
        ),
    ]),
    '',
  ].join('\n');
}
