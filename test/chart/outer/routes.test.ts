import { describe, expect, test } from '@jest/globals';
import type { Values } from '../harness/helm.ts';
import { podTemplateOf } from '../harness/kubernetes-object.ts';
import { find, ofKind, renderFile } from '../harness/rendered-chart.ts';

const BOTH: Values = {
  ingress: { enabled: true, hosts: ['usage.example.org'] },
  httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] },
};
const routed = (values: Values = {}) =>
  renderFile('ci/minimal', { values: { ...BOTH, ...values } });

interface IngressRule {
  readonly host: string;
  readonly http: {
    readonly paths: readonly {
      readonly path: string;
      readonly pathType: string;
      readonly backend: {
        readonly service: { readonly name: string; readonly port: { readonly name: string } };
      };
    }[];
  };
}
interface RouteRule {
  readonly matches: readonly { readonly path: { readonly type: string; readonly value: string } }[];
  readonly backendRefs: readonly { readonly name: string; readonly port: number }[];
}

const ingressRules = (values?: Values) =>
  (find(routed(values), 'Ingress', 'odometer-http').spec?.rules ?? []) as readonly IngressRule[];
const routeRules = (values?: Values) =>
  (find(routed(values), 'HTTPRoute', 'odometer-http').spec?.rules ?? []) as readonly RouteRule[];

/** Prefix → Service. */
const ingressPaths = (values?: Values) =>
  ingressRules(values)[0]?.http.paths.map(({ path, backend }) => [path, backend.service.name]);
const routePaths = (values?: Values) =>
  routeRules(values).map(({ matches, backendRefs }) => [
    matches[0]?.path.value,
    backendRefs[0]?.name,
  ]);

const SPLIT = [
  ['/api/v1/events', 'odometer-ingest-api'],
  ['/webhooks/storage', 'odometer-s3-usage-watcher'],
  ['/webhooks', 'odometer-ingest-api'],
  ['/', 'odometer-stats-api'],
];

test('Ingress and HTTPRoute split one address in the same way, by prefixes', () => {
  expect(ingressPaths()).toEqual(SPLIT);
  expect(routePaths()).toEqual(SPLIT);
  expect(ingressRules()[0]?.http.paths.map(({ pathType }) => pathType)).toEqual(
    SPLIT.map(() => 'Prefix'),
  );
  expect(routeRules().map(({ matches }) => matches[0]?.path.type)).toEqual(
    SPLIT.map(() => 'PathPrefix'),
  );
});

test('they lead to ports of Services that have pods, and those are the public ports', () => {
  const objects = routed();
  for (const [, service = ''] of SPLIT) {
    const { spec } = find(objects, 'Service', service);
    const [port] = (spec?.ports ?? []) as readonly {
      readonly port: number;
      readonly name: string;
    }[];
    expect(port?.name).toBe('http');
    expect(routeRules().flatMap(({ backendRefs }) => backendRefs)).toContainEqual({
      name: service,
      port: port?.port,
    });
    const pods = podTemplateOf(find(objects, 'Deployment', service));
    expect(pods?.metadata?.labels).toMatchObject(spec?.selector ?? { none: true });
    expect(pods?.spec.containers[0]?.ports?.map(({ name }) => name)).toContain('http');
  }
});

test('what is not enabled has no path', () => {
  const values: Values = { components: { s3UsageWatcher: { enabled: false } } };
  expect(routePaths(values)).not.toContainEqual(SPLIT[1]);
  expect(ingressPaths(values)).not.toContainEqual(SPLIT[1]);
});

test('a Service with another port is reached by it', () => {
  const values: Values = { components: { statsApi: { service: { port: 80 } } } };
  expect(routeRules(values).flatMap(({ backendRefs }) => backendRefs)).toContainEqual({
    name: 'odometer-stats-api',
    port: 80,
  });
});

describe('by default', () => {
  test('there is neither, and nothing leads out of the cluster', () => {
    const objects = renderFile('ci/minimal');
    expect([...ofKind(objects, 'Ingress'), ...ofKind(objects, 'HTTPRoute')]).toEqual([]);
    for (const { spec } of ofKind(objects, 'Service')) {
      expect(['ClusterIP', undefined]).toContain(spec?.type);
    }
  });

  test('the admin port is in no Service', () => {
    for (const file of ['ci/minimal', 'ci/full', 'ci/bundled']) {
      const ports = ofKind(renderFile(file), 'Service').flatMap(
        ({ spec }) => (spec?.ports ?? []) as readonly { readonly targetPort: unknown }[],
      );
      expect(
        ports.filter(({ targetPort }) => targetPort === 'admin' || targetPort === 9464),
      ).toEqual([]);
    }
  });
});

test('names of hosts and TLS are templates, as are all texts that name something of the release', () => {
  const { spec } = find(renderFile('ci/full'), 'Ingress', 'odometer-http');
  expect(spec?.rules).toMatchObject([
    { host: 'metering.metering.example.org' },
    { host: 'usage.example.org' },
  ]);
  expect(spec?.tls).toEqual([{ secretName: 'metering-tls', hosts: ['usage.example.org'] }]);
});
