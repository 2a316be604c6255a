import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { RUNBOOKS } from '../../helm/dashboards/dashboard.ts';
import type { KubernetesObject } from '../chart/harness/kubernetes-object.ts';
import { renderFile } from '../chart/harness/rendered-chart.ts';
import { DASHBOARDS, NAMES } from './sources.ts';

/** The dashboards' objects as the chart renders them with these values of theirs. */
function configMaps(dashboards: object, runbookUrl = RUNBOOKS): readonly KubernetesObject[] {
  const monitoring = { dashboards, prometheusRule: { runbookUrl } };
  return renderFile('ci/minimal', { values: { monitoring } }).filter(({ metadata }) =>
    metadata.name.startsWith('odometer-dashboard-'),
  );
}

const committed = (name: string) =>
  readFileSync(new URL(`${name}.json`, DASHBOARDS), 'utf8').trim();

test('each dashboard is a ConfigMap of its own, as it is, under the label that the sidecar looks for', () => {
  const maps = configMaps({
    enabled: true,
    label: 'folder-of',
    labelValue: '1',
    annotations: { grafana_folder: 'Odometer' },
  });
  expect(maps.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(
    [...NAMES].sort().map((name) => `ConfigMap odometer-dashboard-${name}`),
  );
  for (const { metadata } of maps) {
    expect(metadata.labels).toMatchObject({ 'folder-of': '1' });
    expect(metadata.annotations).toEqual({ grafana_folder: 'Odometer' });
  }
  expect(Object.assign({}, ...maps.map(({ data }) => data))).toEqual(
    Object.fromEntries(NAMES.map((name) => [`odometer-${name}.json`, committed(name)])),
  );
});

test('links to runbooks go where those of the alerts go', () => {
  const text = JSON.stringify(configMaps({ enabled: true }, 'https://wiki.example/runbooks/'));
  expect(text).not.toContain(RUNBOOKS);
  expect(text).toContain('https://wiki.example/runbooks/OdometerUsageLost.md');
});

test('there is none unless somebody wants them', () => {
  expect(configMaps({ enabled: false })).toEqual([]);
});
