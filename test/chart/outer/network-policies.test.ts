import { describe, expect, test } from '@jest/globals';
import type { Values } from '../harness/helm.ts';
import { type KubernetesObject, podTemplateOf } from '../harness/kubernetes-object.ts';
import { find, ofKind, refusalOf, renderFile, valuesFile } from '../harness/rendered-chart.ts';

interface Peer {
  readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly namespaceSelector?: object;
  readonly ipBlock?: { readonly cidr: string };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol: string; readonly port: string | number }[];
}
interface Policy {
  readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly policyTypes: readonly string[];
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

const policyOf = (objects: readonly KubernetesObject[], name: string) =>
  find(objects, 'NetworkPolicy', name).spec as unknown as Policy;
const COMPONENT = 'app.kubernetes.io/component';
/** Where a policy lets pods go: components, or ports where addresses are meant. */
const goesTo = ({ egress }: Policy) =>
  egress.map(({ to = [], ports = [] }) => {
    const component = to[0]?.podSelector?.matchLabels?.[COMPONENT];
    return `${component ?? 'addresses'}:${ports.map(({ port }) => port).join()}`;
  });

const bundled = () => renderFile('ci/networkpolicy');
const external = () => renderFile('ci/full');
const eks = () => renderFile('examples/eks-pod-identity');

describe.each([
  ['ci/networkpolicy', bundled],
  ['ci/full', external],
  ['examples/eks-pod-identity', eks],
])('%s', (_name, objects) => {
  test('every pod of the release is selected by exactly one policy, for both directions', () => {
    const policies = ofKind(objects(), 'NetworkPolicy').map(
      ({ spec }) => spec as unknown as Policy,
    );
    for (const object of objects()) {
      const labels = podTemplateOf(object)?.metadata?.labels;
      if (labels === undefined) continue;
      const selecting = policies.filter(({ podSelector }) =>
        Object.entries(podSelector.matchLabels).every(([name, value]) => labels[name] === value),
      );
      expect([object.metadata.name, selecting.length]).toEqual([object.metadata.name, 1]);
    }
    for (const { podSelector, policyTypes } of policies) {
      expect(Object.keys(podSelector.matchLabels)).toContain(COMPONENT);
      expect(policyTypes).toEqual(['Ingress', 'Egress']);
    }
  });

  test('no rule is for everybody, nor for every port', () => {
    for (const { metadata, spec } of ofKind(objects(), 'NetworkPolicy')) {
      const { ingress, egress } = spec as unknown as Policy;
      for (const { from, to, ports = [] } of [...ingress, ...egress]) {
        const peers = from ?? to ?? [];
        expect([metadata.name, peers.length > 0, ports.length > 0]).toEqual([
          metadata.name,
          true,
          true,
        ]);
        expect(peers.filter((peer) => Object.keys(peer).length === 0)).toEqual([]);
      }
    }
  });

  test('every pod may ask DNS, over UDP and TCP', () => {
    for (const { metadata, spec } of ofKind(objects(), 'NetworkPolicy')) {
      if (/-(postgres|valkey|mosquitto)$/.test(metadata.name)) continue;
      const dns = (spec as unknown as Policy).egress[0]?.ports;
      expect(dns).toEqual([
        { protocol: 'UDP', port: 53 },
        { protocol: 'TCP', port: 53 },
      ]);
    }
  });
});

test('each component reaches what it asks, and nothing else', () => {
  const stores = ['postgres:5432', 'valkey:6379'];
  const reach = (suffix: string) => goesTo(policyOf(bundled(), `odometer-${suffix}`)).slice(1);
  expect(reach('ingest-api')).toEqual(stores);
  expect(reach('stats-api')).toEqual(stores);
  expect(reach('scheduler')).toEqual(stores);
  expect(reach('migrate')).toEqual(stores);
  expect(reach('mqtt-counter')).toEqual([...stores, 'mosquitto:1883']);
  const aws = ['addresses:443', 'addresses:80'];
  expect(reach('s3-usage-watcher')).toEqual([...stores, ...aws]);
  expect(reach('measuring-worker')).toEqual([...stores, ...aws]);
  expect(reach('posthoc-worker')).toEqual([...stores, ...aws]);
  expect(reach('smoke')).toEqual([
    'postgres:5432',
    'mosquitto:1883',
    'ingest-api:http',
    'stats-api:http',
  ]);
  for (const store of ['postgres', 'valkey', 'mosquitto']) {
    expect(policyOf(bundled(), `odometer-${store}`).egress).toEqual([]);
  }
});

test('stores elsewhere are reached where the values say they are, by the port they have', () => {
  const { egress } = policyOf(external(), 'odometer-mqtt-counter');
  expect(
    egress.slice(1).map(({ to, ports }) => [to?.[0]?.ipBlock?.cidr, ports?.[0]?.port]),
  ).toEqual([
    ['10.1.0.0/24', 5432],
    ['10.2.0.0/24', 6379],
    ['203.0.113.0/24', 8884],
    ['192.0.2.0/24', 3128],
  ]);
});

test('Pod Identity’s agent is reached by what has an identity, and the nodes’ metadata by nobody', () => {
  const agent = ({ egress }: Policy) =>
    egress
      .flatMap(({ to = [] }) => to.map(({ ipBlock }) => ipBlock?.cidr))
      .includes('169.254.170.23/32');
  expect(agent(policyOf(eks(), 'odometer-s3-usage-watcher'))).toBe(true);
  expect(agent(policyOf(eks(), 'odometer-measuring-worker'))).toBe(true);
  expect(agent(policyOf(eks(), 'odometer-ingest-api'))).toBe(false);
  const https = policyOf(eks(), 'odometer-measuring-worker').egress.find(
    ({ ports }) => ports?.[0]?.port === 443,
  );
  expect(https?.to?.[0]?.ipBlock).toEqual({ cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] });
});

test('public ports are open to gateways and to the test, admin ports to Prometheus, Valkey to KEDA', () => {
  const ingress = (suffix: string) =>
    policyOf(bundled(), `odometer-${suffix}`).ingress.map(({ from, ports }) => [
      JSON.stringify(from?.[0]?.namespaceSelector ?? from?.[0]?.podSelector),
      ports?.map(({ port }) => port),
    ]);
  const prometheus = [expect.stringContaining('monitoring'), ['admin']];
  expect(ingress('stats-api')).toEqual([
    prometheus,
    [expect.stringContaining('gateways'), ['http']],
    [expect.stringContaining('smoke'), ['http']],
  ]);
  expect(ingress('counting-worker')).toEqual([prometheus]);
  expect(ingress('valkey')).toEqual([
    [expect.stringContaining('"app.kubernetes.io/instance":"odometer"'), ['valkey']],
    [expect.stringContaining('keda'), ['valkey']],
  ]);
  expect(ingress('migrate')).toEqual([]);
});

test('the endpoint of an emulator is reached by its own port', () => {
  const values: Values = { aws: { endpointUrl: 'http://minio.storage.svc:9000' } };
  const { egress } = policyOf(
    renderFile('ci/networkpolicy', { values }),
    'odometer-measuring-worker',
  );
  expect(egress.flatMap(({ ports = [] }) => ports.map(({ port }) => port))).toContain(9000);
});

test('a component reaches what is its own only, and stores by the ports that are listed', () => {
  const rule = (port: number) => ({
    to: [{ ipBlock: { cidr: '192.0.2.7/32' } }],
    ports: [{ protocol: 'TCP', port }],
  });
  const objects = renderFile('ci/full', {
    values: {
      networkPolicy: { httpsPorts: [443, 9000, 5000], extraEgress: [] },
      components: {
        s3UsageWatcher: { networkPolicy: { extraEgress: [rule(8883)] } },
        measuringWorker: {
          networkPolicy: { extraEgress: [rule(5433)], extraIngress: [{ from: [] }] },
        },
      },
    },
  });
  const reach = (suffix: string) =>
    policyOf(objects, `odometer-${suffix}`).egress.flatMap(({ ports = [] }) =>
      ports.map(({ port }) => port),
    );
  const stores = [53, 53, 5432, 6379];
  expect(reach('s3-usage-watcher')).toEqual([...stores, 443, 9000, 5000, 8883]);
  expect(reach('measuring-worker')).toEqual([...stores, 443, 9000, 5000, 5433]);
  expect(reach('counting-worker')).toEqual(stores);
  expect(policyOf(objects, 'odometer-measuring-worker').ingress.at(-1)).toEqual({ from: [] });
});

test('a policy without peers is refused, with what is missing', () => {
  const said = refusalOf({
    files: [valuesFile('ci/minimal').path],
    values: {
      networkPolicy: { enabled: true },
      ingress: { enabled: true, hosts: ['a.example.org'] },
      monitoring: { podMonitor: { enabled: true } },
    },
  });
  for (const value of ['postgresTo', 'redisTo', 'mqttTo', 'ingressFrom', 'monitoringFrom']) {
    expect(said).toContain(`networkPolicy.${value} is empty: say where`);
  }
});
