import { expect, test } from '@jest/globals';
import { createProgram } from '@odometer/cli/program';
import { containersOf, podTemplateOf } from '../harness/kubernetes-object.ts';
import { find, render, renderFile, valuesFiles } from '../harness/rendered-chart.ts';

const smokePod = (file: string, values = {}) =>
  find(renderFile(file, { values }), 'Pod', 'odometer-smoke');

test('helm test runs our own image once, and keeps its log', () => {
  const pod = smokePod('ci/bundled');
  expect(pod.metadata.annotations).toEqual({
    'helm.sh/hook': 'test',
    'helm.sh/hook-delete-policy': 'before-hook-creation',
  });
  const spec = podTemplateOf(pod)?.spec;
  expect(spec?.restartPolicy).toBe('Never');
  expect(spec?.containers.map(({ image }) => image)).toEqual([
    'ghcr.io/odometer-metering/odometer:0.1.0',
  ]);
});

test('it asks the Services of the release, and publishes where the counter listens', () => {
  const [container] = podTemplateOf(smokePod('ci/bundled'))?.spec.containers ?? [];
  expect(container?.args).toEqual([
    '/app/odometer.mjs',
    'smoke',
    '--ingest-url=http://odometer-ingest-api:8081',
    '--stats-url=http://odometer-stats-api:8085',
    '--project=odometer/smoke',
    '--topic-template=roboticks/{organization}/{project}/{device}/#',
    '--timeout=180',
  ]);
  expect(container?.env?.map(({ name }) => name)).toContain('MQTT_URL');
});

test('without a counter it publishes nothing', () => {
  const values = { components: { mqttCounter: { enabled: false } } };
  const [container] = podTemplateOf(smokePod('ci/minimal', values))?.spec.containers ?? [];
  expect(container?.args?.join(' ')).not.toContain('--topic-template');
  expect(container?.env?.map(({ name }) => name)).not.toContain('MQTT_URL');
});

test.each(['ingestApi', 'statsApi'])('without %s there is no test, and no policy of it', (key) => {
  const objects = renderFile('ci/full', { values: { components: { [key]: { enabled: false } } } });
  expect(objects.filter(({ metadata }) => metadata.name === 'odometer-smoke')).toEqual([]);
});

test('it takes an API key of yours', () => {
  const values = { tests: { existingSecret: 'key', existingSecretKeys: { apiKey: 'secret' } } };
  expect(podTemplateOf(smokePod('ci/minimal', values))?.spec.containers[0]?.env).toContainEqual({
    name: 'ODOMETER_API_KEY',
    valueFrom: { secretKeyRef: { name: 'key', key: 'secret' } },
  });
});

test.each(valuesFiles())(
  '$name: every run of the odometer command uses options it has',
  ({ path }) => {
    const runs = render({ files: [path] })
      .flatMap((object) => containersOf(podTemplateOf(object) ?? { spec: { containers: [] } }))
      .flatMap(({ args = [] }) => (args[0] === '/app/odometer.mjs' ? [args.slice(1)] : []));
    expect(runs.length).toBeGreaterThan(3);
    for (const [name = '', ...options] of runs) {
      const command = createProgram().commands.find((each) => each.name() === name);
      const known = command?.options.map(({ long }) => long) ?? [];
      for (const option of options) expect(known).toContain(option.split('=')[0]);
    }
  },
);
