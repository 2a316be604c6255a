import { describe, expect, test } from '@jest/globals';
import type { Values } from '../harness/helm.ts';
import {
  type Container,
  containersOf,
  type KubernetesObject,
  podTemplateOf,
} from '../harness/kubernetes-object.ts';
import { find, ofKind, renderFile } from '../harness/rendered-chart.ts';

const minimal = (values: Values = {}, release = 'odometer') =>
  renderFile('ci/minimal', { values, release });

/** The main container of a workload, and its environment by name. */
function mainOf(objects: readonly KubernetesObject[], kind: string, name: string) {
  const spec = podTemplateOf(find(objects, kind, name))?.spec;
  const container = spec?.containers[0];
  if (spec === undefined || container === undefined) throw new Error(`${name} has no container`);
  return { spec, container, env: environmentOf(container) };
}

function environmentOf({ env = [] }: Container): Readonly<Record<string, unknown>> {
  return Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom]));
}

const ingestApi = (values: Values) => mainOf(minimal(values), 'Deployment', 'odometer-ingest-api');

describe('the environment', () => {
  test('of the user wins, a list over a map over the defaults, and each name is there once', () => {
    const { container, env } = ingestApi({
      defaults: { env: { ODOMETER_LOG_LEVEL: 'warn', A: 'default', B: 'default' } },
      components: {
        ingestApi: {
          env: { A: 'component', C: 'component' },
          extraEnv: [
            { name: 'C', value: 'list' },
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'vault', key: 'token' } } },
            { name: 'A_HEADER', value: 'Bearer $(TOKEN)' },
            { name: 'C', value: 'last' },
          ],
        },
      },
    });
    expect(env).toMatchObject({
      ODOMETER_LOG_LEVEL: 'warn',
      A: 'component',
      B: 'default',
      C: 'last',
      TOKEN: { secretKeyRef: { name: 'vault', key: 'token' } },
    });
    const names = (container.env ?? []).map(({ name }) => name);
    expect(names).toHaveLength(new Set(names).size);
    // Kubernetes puts into $(TOKEN) only what stands before it.
    expect(names.slice(-3)).toEqual(['TOKEN', 'A_HEADER', 'C']);
    expect(names.slice(0, -3)).toEqual(names.slice(0, -3).sort());
  });

  test('loses what the user takes away, of the chart and of the defaults', () => {
    const { env } = ingestApi({
      defaults: { env: { A: 'default', B: 'default', C: { valueFrom: {} }, NODE_OPTIONS: null } },
      components: { ingestApi: { env: { A: null, B: {}, ODOMETER_LOG_LEVEL: {} } } },
    });
    expect(env).toHaveProperty('C');
    for (const name of ['A', 'B', 'NODE_OPTIONS', 'ODOMETER_LOG_LEVEL']) {
      expect(env).not.toHaveProperty(name);
    }
  });

  test('of the migration reaches whatever migrates, waits or applies, and no service', () => {
    const objects = minimal({
      migrations: { env: { NODE_EXTRA: 'a' }, extraEnv: [{ name: 'MORE', value: 'b' }] },
      declarations: { files: { 'a.yaml': 'kind: Organization' } },
    });
    const has = objects.flatMap((object) =>
      containersOf(podTemplateOf(object) ?? { spec: { containers: [] } }).map(
        ({ name, env = [] }) =>
          [name, env.some((each) => each.name === 'NODE_EXTRA' || each.name === 'MORE')] as const,
      ),
    );
    const having = new Set(has.filter(([, found]) => found).map(([name]) => name));
    expect(having).toEqual(new Set(['wait-for-schema', 'migrate', 'apply']));
    expect(has.filter(([name, found]) => having.has(name) && !found)).toEqual([]);
  });

  test('a Deployment is given as long as the migration may take, unless it is said', () => {
    const deadline = (values: Values) =>
      find(minimal(values), 'Deployment', 'odometer-stats-api').spec?.progressDeadlineSeconds;
    expect(deadline({ migrations: { activeDeadlineSeconds: 3600 } })).toBe(4200);
    expect(deadline({ defaults: { progressDeadlineSeconds: 60 } })).toBe(60);
  });

  test('keeps 0, false and an empty text, and writes large numbers out', () => {
    const env = { ZERO: 0, SWITCH: false, EMPTY: '', BIG: 123_456_789_012, HALF: 0.5 };
    expect(ingestApi({ defaults: { env } }).env).toMatchObject({
      ZERO: '0',
      SWITCH: 'false',
      EMPTY: '',
      BIG: '123456789012',
      HALF: '0.5',
    });
    const values = { metering: { maxDevicesPerHour: 0, autoProvision: false } };
    expect(mainOf(minimal(values), 'Deployment', 'odometer-counting-worker').env).toMatchObject({
      ODOMETER_MAX_DEVICES_PER_HOUR: '0',
      ODOMETER_AUTO_PROVISION: 'false',
    });
  });

  test('reaches Redis without credentials in the URL', () => {
    const { env } = ingestApi({
      redis: { host: 'r', tls: true, username: 'u', existingSecret: 's' },
    });
    expect(env).toMatchObject({
      REDIS_URL: 'rediss://r:6379',
      ODOMETER_REDIS_USERNAME: 'u',
      ODOMETER_REDIS_PASSWORD: { secretKeyRef: { name: 's', key: 'password' } },
    });
  });
});

describe('a component', () => {
  test('has what it says over what the defaults say: maps key by key, the rest whole', () => {
    const { spec } = ingestApi({
      defaults: {
        nodeSelector: { disk: 'ssd', arch: 'arm64' },
        tolerations: [{ key: 'a', operator: 'Exists' }],
        priorityClassName: 'low',
        shutdownDelaySeconds: 3,
      },
      components: {
        ingestApi: {
          nodeSelector: { disk: 'nvme' },
          tolerations: [{ key: 'b', operator: 'Exists' }],
          priorityClassName: '',
        },
      },
    });
    expect(spec).toMatchObject({
      nodeSelector: { disk: 'nvme', arch: 'arm64' },
      tolerations: [{ key: 'b' }],
    });
    expect(spec.priorityClassName).toBeUndefined();
  });

  test('takes another image, where a digest wins over a tag', () => {
    const image = { tag: '2.0.0', digest: `sha256:${'a'.repeat(64)}` };
    expect(ingestApi({ components: { ingestApi: { image } } }).container.image).toBe(
      `ghcr.io/odometer-metering/odometer@${image.digest}`,
    );
    const mirrored = ingestApi({ global: { imageRegistry: 'mirror.example.com' } });
    expect(mirrored.container.image).toMatch(/^mirror\.example\.com\/odometer-metering\//);
  });

  test('can run without fixed users, as OpenShift wants it', () => {
    const podSecurityContext = { runAsUser: null, runAsGroup: null };
    expect(ingestApi({ defaults: { podSecurityContext } }).spec.securityContext).toEqual({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
  });

  test('is spread over nodes and zones softly, by its own labels, unless told otherwise', () => {
    const labels = {
      'app.kubernetes.io/name': 'odometer',
      'app.kubernetes.io/instance': 'odometer',
      'app.kubernetes.io/component': 'ingest-api',
    };
    const { topologySpreadConstraints } = ingestApi({}).spec;
    expect(topologySpreadConstraints).toHaveLength(2);
    for (const constraint of topologySpreadConstraints ?? []) {
      expect(constraint.whenUnsatisfiable).toBe('ScheduleAnyway');
      expect(constraint.labelSelector?.matchLabels).toEqual(labels);
    }
    const none = ingestApi({ defaults: { topologySpreadConstraints: [] } });
    expect(none.spec.topologySpreadConstraints).toBeUndefined();
  });
});

describe('the end of a process', () => {
  test('is timed by one value: the process gives itself 5 s less, the delay included', () => {
    const { spec, env } = ingestApi({
      components: { ingestApi: { terminationGracePeriodSeconds: 90, shutdownDelaySeconds: 12 } },
    });
    expect(spec.terminationGracePeriodSeconds).toBe(90);
    expect(env).toMatchObject({
      ODOMETER_SHUTDOWN_DEADLINE_MS: '85000',
      ODOMETER_SHUTDOWN_DELAY_MS: '12000',
    });
  });

  test('waits for load balancers only where there is something to route', () => {
    const delays = ofKind(minimal(), 'Deployment').map(({ metadata: { name } }) => [
      name,
      mainOf(minimal(), 'Deployment', name).env.ODOMETER_SHUTDOWN_DELAY_MS,
    ]);
    expect(Object.fromEntries(delays)).toEqual({
      'odometer-ingest-api': '5000',
      'odometer-stats-api': '5000',
      'odometer-s3-usage-watcher': '5000',
      'odometer-scheduler': '0',
      'odometer-counting-worker': '0',
      'odometer-measuring-worker': '0',
      'odometer-posthoc-worker': '0',
    });
  });
});

test.each([
  ['512Mi', '384'],
  ['1Gi', '768'],
  ['1.5Gi', '1152'],
  ['1G', '715'],
  ['500M', '357'],
  [536_870_912, '384'],
])('a memory limit of %s gives a heap of %s MiB', (memory, heap) => {
  const { env } = ingestApi({ components: { ingestApi: { resources: { limits: { memory } } } } });
  expect(env.NODE_OPTIONS).toBe(`--max-old-space-size=${heap}`);
});

test('without a memory limit the heap is Node’s own, and another share is another heap', () => {
  const unbound = { components: { ingestApi: { resources: { limits: { memory: null } } } } };
  // Null takes away the component's, and the defaults' is in force.
  expect(ingestApi(unbound).env.NODE_OPTIONS).toBe('--max-old-space-size=288');
  const none = { ...unbound, defaults: { resources: { limits: { memory: null } } } };
  expect(ingestApi(none).env.NODE_OPTIONS).toBeUndefined();
  const defaults = { heapPercent: 50, nodeOptions: '--max-semi-space-size=4' };
  expect(ingestApi({ defaults }).env.NODE_OPTIONS).toBe(
    '--max-old-space-size=256 --max-semi-space-size=4',
  );
});

describe('the counters', () => {
  const filters = ['acme/a/#', 'acme/b/#'];
  const counters = (values: Values = {}) =>
    minimal({ components: { mqttCounter: { replicas: 2, filters } }, ...values });

  test('are a StatefulSet whose pods’ names are the client ids, with all filters', () => {
    const objects = counters();
    const set = find(objects, 'StatefulSet', 'odometer-mqtt-counter');
    expect(set.spec).toMatchObject({
      replicas: 2,
      serviceName: 'odometer-mqtt-counter',
      updateStrategy: { type: 'RollingUpdate' },
    });
    const { env } = mainOf(objects, 'StatefulSet', 'odometer-mqtt-counter');
    expect(env).toMatchObject({
      ODOMETER_MQTT_CLIENT_ID: { fieldRef: { fieldPath: 'metadata.name' } },
      ODOMETER_MQTT_FILTERS: 'acme/a/#,acme/b/#',
    });
    const service = find(objects, 'Service', 'odometer-mqtt-counter');
    expect(service.spec).toMatchObject({ clusterIP: 'None' });
    expect(service.spec?.ports).toBeUndefined();
  });

  test('have a certificate for the broker where one is named', () => {
    const mqtt = { clientCertificate: { existingSecret: 'cert', keyKey: 'key.pem' } };
    const { spec, env } = mainOf(counters({ mqtt }), 'StatefulSet', 'odometer-mqtt-counter');
    expect(env.ODOMETER_MQTT_TLS_KEY_FILE).toBe('/etc/odometer/mqtt/tls.key');
    expect(spec.volumes).toContainEqual({
      name: 'mqtt-client-certificate',
      secret: {
        secretName: 'cert',
        items: [
          { key: 'tls.crt', path: 'tls.crt' },
          { key: 'key.pem', path: 'tls.key' },
        ],
      },
    });
  });
});

describe('logs of post-hoc metrics', () => {
  const worker = (logs: Values) => {
    const values = { components: { posthocWorker: { logs } } };
    const { spec, container, env } = mainOf(
      minimal(values),
      'Deployment',
      'odometer-posthoc-worker',
    );
    return {
      directory: env.ODOMETER_POSTHOC_DIRECTORY,
      mounts: container.volumeMounts?.filter(({ name }) => name === 'logs'),
      volumes: spec.volumes?.filter(({ name }) => name === 'logs'),
    };
  };

  test('are read-only, where the worker looks for them', () => {
    const mount = { name: 'logs', mountPath: '/var/log/odometer', readOnly: true };
    expect(worker({ existingClaim: 'access-logs', subPath: 'alb' })).toEqual({
      directory: '/var/log/odometer',
      mounts: [{ ...mount, subPath: 'alb' }],
      volumes: [
        { name: 'logs', persistentVolumeClaim: { claimName: 'access-logs', readOnly: true } },
      ],
    });
    const nfs = { server: 'logs.example.org', path: '/logs' };
    expect(worker({ volume: { nfs } })).toEqual({
      directory: '/var/log/odometer',
      mounts: [mount],
      volumes: [{ name: 'logs', nfs }],
    });
  });

  test('are nowhere when there are none, and at no other worker', () => {
    expect(worker({})).toEqual({ directory: undefined, mounts: [], volumes: [] });
    const values = { components: { posthocWorker: { logs: { existingClaim: 'access-logs' } } } };
    const other = mainOf(minimal(values), 'Deployment', 'odometer-measuring-worker');
    expect(JSON.stringify(other.spec)).not.toContain('access-logs');
  });

  test('what queries may take is in the environment, and the heap leaves it free', () => {
    const values = {
      components: {
        posthocWorker: {
          memoryMb: 1024,
          fetchMb: 512,
          threads: 4,
          resources: { limits: { memory: '4Gi' } },
        },
      },
    };
    const { env } = mainOf(minimal(values), 'Deployment', 'odometer-posthoc-worker');
    expect(env).toMatchObject({
      ODOMETER_WORKER_QUEUES: 'posthoc',
      ODOMETER_POSTHOC_MEMORY_MB: '1024',
      ODOMETER_POSTHOC_FETCH_MB: '512',
      ODOMETER_POSTHOC_THREADS: '4',
      NODE_OPTIONS: '--max-old-space-size=1228',
    });
  });
});

test('a strategy of the defaults does not mix with the scheduler’s', () => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const objects = minimal({ defaults: { strategy } });
  expect(find(objects, 'Deployment', 'odometer-ingest-api').spec?.strategy).toEqual(strategy);
  expect(find(objects, 'Deployment', 'odometer-scheduler').spec?.strategy).toEqual({
    type: 'Recreate',
  });
  expect(find(objects, 'StatefulSet', 'odometer-mqtt-counter').spec?.updateStrategy).toEqual({
    type: 'RollingUpdate',
  });
});

test('Services have the public port only', () => {
  const ports = ofKind(minimal(), 'Service').flatMap(
    ({ spec }) => (spec?.ports ?? []) as readonly { readonly name: string }[],
  );
  expect(new Set(ports.map(({ name }) => name))).toEqual(new Set(['http']));
});
