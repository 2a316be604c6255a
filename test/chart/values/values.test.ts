import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CHART, helmTemplate, type Values } from '../harness/helm.ts';
import { valuesFile } from '../harness/rendered-chart.ts';
import { readDocumentedValues, requiredPaths } from './documented-values.ts';
import { undocumented, valuesMarkdown } from './values-markdown.ts';
import { valuesSchema } from './values-schema.ts';

const values = readDocumentedValues(join(CHART, 'values.yaml'));

/** In the README, what stands below is made of values.yaml. */
const MARK =
  '<!-- Below: made of values.yaml; refresh with UPDATE_DOCS=1 pnpm jest test/chart/values -->\n';

function holdEqual(name: string, generate: (current: string) => string): void {
  const file = join(CHART, name);
  const generated = generate(readFileSync(file, 'utf8'));
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, generated);
  expect(readFileSync(file, 'utf8')).toBe(generated);
}

test('every value says what it is for', () => {
  expect(values.flatMap(undocumented)).toEqual([]);
});

test('values.schema.json follows from values.yaml; refresh it with UPDATE_DOCS=1', () => {
  holdEqual('values.schema.json', () => `${JSON.stringify(valuesSchema(values), null, 2)}\n`);
});

test('what must not be blank follows from values.yaml; refresh it with UPDATE_DOCS=1', () => {
  holdEqual('files/required-values.txt', () => `${requiredPaths(values).join('\n')}\n`);
});

test('the README lists every value; refresh it with UPDATE_DOCS=1', () => {
  holdEqual('README.md', (current) => {
    expect(current).toContain(MARK);
    return `${current.slice(0, current.indexOf(MARK))}${MARK}\n${valuesMarkdown(values)}`;
  });
});

describe('a typing error is refused, and named', () => {
  test.each<[string, Values, RegExp]>([
    ['at the top', { postgress: {} }, /'postgress' not allowed/],
    ['in a section', { redis: { hosts: 'a' } }, /\/redis.*'hosts' not allowed/],
    [
      'in a component',
      { components: { ingestApi: { replica: 2 } } },
      /\/components\/ingestApi.*'replica' not allowed/,
    ],
    ['of a component', { components: { ingestAPI: {} } }, /'ingestAPI' not allowed/],
    ['in a default', { defaults: { resource: {} } }, /\/defaults.*'resource' not allowed/],
    [
      'deep in a component',
      { components: { statsApi: { autoscaling: { hpa: { enable: true } } } } },
      /autoscaling\/hpa.*'enable' not allowed/,
    ],
    [
      'of a word',
      { migrations: { strategy: 'jobs' } },
      /\/migrations\/strategy.*'job', 'hook', 'initContainer', 'none'/,
    ],
    [
      'of a queue',
      { components: { countingWorker: { queues: ['event'] } } },
      /\/queues\/0.*'events'/,
    ],
    ['of a type', { components: { ingestApi: { replicas: '2' } } }, /replicas.*want integer/],
    ['of a digest', { image: { digest: 'latest' } }, /\/image\/digest/],
    [
      'of a share above all',
      { components: { statsApi: { pdb: { maxUnavailable: '150%' } } } },
      /pdb\/maxUnavailable/,
    ],
    ['of a duration', { monitoring: { podMonitor: { interval: '30' } } }, /podMonitor\/interval/],
    ['of a size', { defaults: { tmpSizeLimit: '64MB' } }, /tmpSizeLimit/],
    ['of a policy', { defaults: { dnsPolicy: 'Cluster' } }, /dnsPolicy.*'ClusterFirst'/],
    ['of a host with a port', { ingress: { hosts: ['a.example:443'] } }, /\/ingress\/hosts\/0/],
    ['of a URL for a host', { ingress: { hosts: ['https://a.b'] } }, /\/ingress\/hosts\/0/],
    ['of an address for a host', { httpRoute: { hostnames: ['10.0.0.1'] } }, /\/hostnames\/0/],
  ])('%s', (_where, wrong, problem) => {
    const { ok, stderr } = helmTemplate({ files: [valuesFile('ci/minimal').path], values: wrong });
    expect(ok).toBe(false);
    expect(stderr.replaceAll('\n', ' ')).toMatch(problem);
  });
});

test('what is free may hold anything', () => {
  const { ok, stderr } = helmTemplate({
    files: [valuesFile('ci/minimal').path],
    values: {
      global: { ofAnotherChart: 1 },
      defaults: {
        env: {
          A: 0,
          B: false,
          C: '',
          D: { valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        },
        podSecurityContext: { runAsUser: null, fsGroup: 1 },
        affinity: { nodeAffinity: {} },
      },
      components: { ingestApi: { image: { tag: '1.2.3' }, pdb: { maxUnavailable: '50%' } } },
      ingress: { enabled: true, hosts: ['*.a-b.example', 'localhost', '{{ .Release.Name }}.x'] },
      monitoring: { podMonitor: { interval: '1m30s', scrapeTimeout: '' } },
    },
  });
  expect({ ok, stderr }).toEqual({ ok: true, stderr: '' });
});
