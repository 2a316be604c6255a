import { expect, test } from '@jest/globals';
import type { Values } from '../chart/harness/helm.ts';
import { find, ofKind, renderFile } from '../chart/harness/rendered-chart.ts';

const render = (podMonitor: Values) =>
  renderFile('ci/full', {
    values: { monitoring: { podMonitor, prometheusRule: { job: 'odometer' } } },
  });

test('every pod that has an admin port is scraped there, and told by its component', () => {
  const objects = render({ enabled: true, relabelings: [] });
  const monitor = find(objects, 'PodMonitor', 'odometer-metrics');
  const wanted = Object.entries(monitor.spec?.selector?.matchLabels ?? {});
  expect(wanted.length).toBeGreaterThan(1);
  const scraped = objects.flatMap(({ spec }) => {
    const { metadata, spec: pod } = spec?.template ?? {};
    const ports = pod?.containers.flatMap((container) => container.ports ?? []) ?? [];
    const admin = ports.find(({ name }) => name === 'admin');
    if (metadata === undefined || admin === undefined) return [];
    for (const [label, value] of wanted) expect(metadata.labels?.[label]).toBe(value);
    expect(admin.containerPort).toBe(9464);
    return [metadata.labels?.['app.kubernetes.io/component']];
  });
  expect(scraped).toEqual(
    expect.arrayContaining(['ingest-api', 'mqtt-counter', 'counting-worker']),
  );
  expect(monitor.spec?.podMetricsEndpoints).toMatchObject([
    {
      port: 'admin',
      path: '/metrics',
      relabelings: [
        {
          sourceLabels: ['__meta_kubernetes_pod_label_app_kubernetes_io_component'],
          targetLabel: 'component',
        },
      ],
    },
  ]);
});

test('labels, times, relabelings and fuses are as they are set', () => {
  const relabeling = { action: 'labeldrop', regex: 'pod_ip' };
  const objects = render({
    enabled: true,
    additionalLabels: { release: 'kube-prometheus-stack' },
    interval: '15s',
    scrapeTimeout: '10s',
    sampleLimit: 5_000_000,
    labelLimit: 30,
    relabelings: [relabeling],
    metricRelabelings: [relabeling],
  });
  const monitor = find(objects, 'PodMonitor', 'odometer-metrics');
  expect(monitor.metadata.labels?.release).toBe('kube-prometheus-stack');
  expect(monitor.spec).toMatchObject({
    sampleLimit: 5_000_000,
    labelLimit: 30,
    podMetricsEndpoints: [
      {
        interval: '15s',
        scrapeTimeout: '10s',
        relabelings: [{ targetLabel: 'component' }, relabeling],
        metricRelabelings: [relabeling],
      },
    ],
  });
});

test('there is none unless somebody wants it', () => {
  expect(ofKind(render({ enabled: false }), 'PodMonitor')).toEqual([]);
});
