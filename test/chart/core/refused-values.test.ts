import { expect, test } from '@jest/globals';
import type { Values } from '../harness/helm.ts';
import { refusalOf, valuesFile } from '../harness/rendered-chart.ts';

/** What Helm says to these values on top of the smallest that work. */
const refusal = (values: Values): string =>
  refusalOf({ files: [valuesFile('ci/minimal').path], values });

test('without any values everything that is missing is named, with what to do', () => {
  const said = refusalOf({});
  expect(said).toContain('- postgres.host is empty: name your Postgres, or set bundled.');
  expect(said).toMatch(
    /- postgres\.existingSecret is empty: .*`kubectl -n metering create secret generic odometer-postgres --from-literal=password=…`/,
  );
  expect(said).toContain('- redis.host is empty: name your Redis or Valkey, or set bundled.');
  expect(said).toMatch(/- mqtt\.url is empty: .*components\.mqttCounter\.enabled=false/);
});

test.each<[string, Values, RegExp]>([
  ['a store twice', { bundled: { postgres: { enabled: true } } }, /postgres\.host and bundled/],
  ['Redis twice', { bundled: { valkey: { enabled: true } } }, /redis\.host and bundled/],
  ['a broker twice', { bundled: { mosquitto: { enabled: true } } }, /mqtt\.url and bundled/],
  [
    'a user without a password',
    { redis: { username: 'odometer', existingSecret: '' } },
    /redis\.username is set without a password: .*create secret generic odometer-redis/,
  ],
  ['a password in a URL', { mqtt: { url: 'mqtts://u:p@x' } }, /holds a user or a password/],
  ['another protocol', { mqtt: { url: 'tcp://u:p@x' } }, /mqtt\.url is "tcp:\/\/…@x"/],
  [
    'a template that makes another protocol',
    { mqtt: { url: 'tc{{ "p" }}://u:p@x' } },
    /mqtt\.url is "tcp:\/\/…@x"/,
  ],
  [
    'a template that makes a password',
    { mqtt: { url: 'mqtts://{{ printf "u:p%cx" 64 }}' } },
    /mqtt\.url holds a user or a password/,
  ],
  [
    'a password in the host of Redis',
    { redis: { host: 'u:p@x' } },
    /redis\.host is "…@x": it should be the host alone/,
  ],
  [
    'a URL for the host of Postgres',
    { postgres: { host: 'postgres://x/y' } },
    /postgres\.host is "postgres:\/\/x\/y": it should be the host alone, without a protocol/,
  ],
  [
    'a port in the host of Postgres',
    { postgres: { host: 'x:5432' } },
    /postgres\.host is "x:5432": .*postgres\.port/,
  ],
  [
    'an IPv6 address of Redis, which would need brackets',
    { redis: { host: 'fd00::1' } },
    /redis\.host is "fd00::1": .*an IPv6 address behind a name/,
  ],
  [
    'a password in the address of an emulator',
    { aws: { endpointUrl: 'https://u:p@x' } },
    /aws\.endpointUrl is "https:\/\/…@x": it should hold no user and no password/,
  ],
  [
    'an emulator without a protocol',
    { aws: { endpointUrl: 'minio:9000' } },
    /aws\.endpointUrl is "minio:9000": it should begin with/,
  ],
  [
    'counters of a strategy that a StatefulSet has not',
    { components: { mqttCounter: { strategy: { type: 'Recreate' } } } },
    /mqttCounter\.strategy\.type is Recreate: a StatefulSet takes RollingUpdate or OnDelete/,
  ],
  [
    'a strategy that a Deployment has not',
    { components: { ingestApi: { strategy: { type: 'OnDelete' } } } },
    /ingestApi\.strategy\.type is OnDelete: a Deployment takes RollingUpdate or Recreate/,
  ],
  [
    'steps of a rollout that has none',
    {
      components: { ingestApi: { strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } } },
    },
    /ingestApi\.strategy\.rollingUpdate is for the type RollingUpdate only/,
  ],
  [
    'a request above its limit, of which one is the default',
    { components: { ingestApi: { resources: { requests: { memory: '1Gi' } } } } },
    /ingestApi\.resources asks for 1Gi of memory and may take 512Mi only/,
  ],
  [
    'a request above its limit, in thousandths',
    { migrations: { resources: { requests: { cpu: '1.5' }, limits: { cpu: '900m' } } } },
    /migrations\.resources asks for 1\.5 of cpu and may take 900m only/,
  ],
  [
    'a rollout that fails before it can succeed',
    { components: { statsApi: { minReadySeconds: 60, progressDeadlineSeconds: 60 } } },
    /statsApi\.minReadySeconds is 60, and a rollout counts as failed after 60 s/,
  ],
  [
    'a port away from the probes',
    { components: { statsApi: { env: { ODOMETER_ADMIN_PORT: 9000 } } } },
    /components\.statsApi has the variable ODOMETER_ADMIN_PORT: probes, Service and policies go/,
  ],
  [
    'a port away from the Service',
    { defaults: { extraEnv: [{ name: 'ODOMETER_STATS_PORT', value: '80' }] } },
    /components\.statsApi has the variable ODOMETER_STATS_PORT/,
  ],
  [
    'two bundles of authorities',
    { caBundle: { existingConfigMap: 'a', existingSecret: 'b' } },
    /exclude each other: keep the one that holds the authorities/,
  ],
  [
    'more counters than filters',
    { components: { mqttCounter: { replicas: 2 } } },
    /replicas is 2 with 0 filter\(s\).*Set replicas to 1/,
  ],
  [
    'more filters than counters',
    { components: { mqttCounter: { filters: ['a', 'b'] } } },
    /replicas is 1 with 2 filter\(s\).*Set replicas to 2/,
  ],
  [
    'a filter twice',
    { components: { mqttCounter: { replicas: 2, filters: ['a', 'a'] } } },
    /has one of them twice/,
  ],
  [
    'counters that are scaled',
    { components: { mqttCounter: { autoscaling: { keda: { enabled: true } } } } },
    /mqttCounter\.autoscaling cannot be enabled: each pod has a filter of its own/,
  ],
  [
    'two schedulers',
    { components: { scheduler: { replicas: 2 } } },
    /there is one scheduler\. To stop it, set components\.scheduler\.enabled=false/,
  ],
  [
    'a rolling scheduler',
    { components: { scheduler: { strategy: { type: 'RollingUpdate' } } } },
    /it should be Recreate, so that there are never two/,
  ],
  [
    'both autoscalers',
    {
      components: {
        countingWorker: { autoscaling: { hpa: { enabled: true }, keda: { enabled: true } } },
      },
    },
    /countingWorker\.autoscaling has both hpa\.enabled and keda\.enabled.*keep one of them/,
  ],
  [
    'workers that may vanish',
    {
      components: { countingWorker: { autoscaling: { minReplicas: 0, keda: { enabled: true } } } },
    },
    /minReplicas is 0: it should be at least 1/,
  ],
  [
    'KEDA without anything to look at',
    { components: { statsApi: { autoscaling: { keda: { enabled: true } } } } },
    /keda\.triggers is empty/,
  ],
  [
    'an HPA without anything to go by',
    {
      components: {
        statsApi: { autoscaling: { hpa: { enabled: true, targetCPUUtilizationPercentage: 0 } } },
      },
    },
    /hpa has nothing to go by|targetCPUUtilizationPercentage/,
  ],
  [
    'both fields of a PodDisruptionBudget',
    { components: { statsApi: { pdb: { minAvailable: 1, maxUnavailable: 1 } } } },
    /statsApi\.pdb has both minAvailable and maxUnavailable/,
  ],
  [
    'a budget that blocks every drain',
    { components: { measuringWorker: { pdb: { minAvailable: 1 } } } },
    /minAvailable is 1 of 1 pod\(s\), so that no node they are on can be drained/,
  ],
  [
    'a budget of all',
    { components: { statsApi: { pdb: { minAvailable: '100%' } } } },
    /statsApi\.pdb\.minAvailable is 100% of 2 pod\(s\)/,
  ],
  [
    'a budget that is all when rounded up',
    { components: { statsApi: { pdb: { minAvailable: '51%' } } } },
    /statsApi\.pdb\.minAvailable is 51% of 2 pod\(s\)/,
  ],
  [
    'a budget of none',
    { components: { statsApi: { pdb: { maxUnavailable: 0 } } } },
    /statsApi\.pdb\.maxUnavailable is 0, so that no node/,
  ],
  [
    'a budget of no percent',
    { components: { statsApi: { pdb: { maxUnavailable: '0%' } } } },
    /statsApi\.pdb\.maxUnavailable is 0%, so that no node/,
  ],
  [
    'one ServiceAccount for all that is made eight times',
    { defaults: { serviceAccount: { name: 'shared' } } },
    /The ServiceAccount shared would be made 8 times, for components\.countingWorker, .*serviceAccount\.create=false/,
  ],
  [
    'a ServiceAccount of the migration and of a component',
    {
      migrations: { serviceAccount: { name: 'shared' } },
      components: { statsApi: { serviceAccount: { name: 'shared' } } },
    },
    /shared would be made 2 times, for components\.statsApi, migrations/,
  ],
  [
    'a password that only some containers get',
    { defaults: { env: { PGPASSWORD: 'x' } } },
    /components\.ingestApi has the variable PGPASSWORD: say by `postgres`/,
  ],
  [
    'a database that only the migration has',
    { migrations: { extraEnv: [{ name: 'DATABASE_URL', value: 'x' }] } },
    /migrations has the variable DATABASE_URL/,
  ],
  [
    'alerts on nothing',
    { monitoring: { prometheusRule: { enabled: true } } },
    /prometheusRule\.enabled without podMonitor: .*prometheusRule\.job/,
  ],
  [
    'a load balancer nobody may come from',
    {
      networkPolicy: {
        enabled: true,
        postgresTo: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
        redisTo: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
        mqttTo: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
      },
      components: { statsApi: { service: { type: 'LoadBalancer' } } },
    },
    /ingressFrom is empty: say who sends to components\.statsApi, whose Service is a LoadBalancer/,
  ],
  [
    'a scheduler of the default strategy',
    { components: { scheduler: { strategy: null } } },
    /strategy\.type is RollingUpdate: it should be Recreate/,
  ],
  [
    'a scheduler of no strategy',
    { components: { scheduler: { strategy: { type: null } } } },
    /strategy\.type is blank: it should be Recreate/,
  ],
  [
    'no time to end',
    { components: { ingestApi: { shutdownDelaySeconds: 25 } } },
    /leaves no time to end after the delay of 25 s/,
  ],
  [
    'a ServiceAccount of no name',
    { components: { ingestApi: { serviceAccount: { create: false } } } },
    /name the ServiceAccount to use in components\.ingestApi\.serviceAccount\.name/,
  ],
  [
    'a queue nobody works on',
    { components: { measuringWorker: { queues: ['measure'] } } },
    /Nobody takes jobs of the queue periods: list it in/,
  ],
  [
    'a queue of a worker that is off',
    { components: { posthocWorker: { enabled: false } } },
    /Nobody takes jobs of the queue posthoc: list it in .* or components\.posthocWorker\.queues/,
  ],
  [
    'more memory of queries than there is',
    { components: { posthocWorker: { memoryMb: 4096 } } },
    /posthocWorker needs 4608 MiB, and its memory limit is 1280: 384 of heap, 4096 of DuckDB/,
  ],
  [
    'two volumes of logs',
    { components: { posthocWorker: { logs: { existingClaim: 'a', volume: { emptyDir: {} } } } } },
    /posthocWorker\.logs has both existingClaim and volume/,
  ],
  ['a queue of nowhere', { components: { iotCounter: { enabled: true } } }, /queueUrl is empty/],
  [
    'a hook before its database',
    {
      postgres: { host: '', existingSecret: '' },
      bundled: { postgres: { enabled: true } },
      migrations: { strategy: 'hook' },
    },
    /strategy=hook runs before the release's own/,
  ],
  [
    'a declaration nobody reads',
    { declarations: { files: { 'acme.txt': 'kind: Project' } } },
    /"acme\.txt": it should end in \.yaml or \.yml/,
  ],
  ['a route to nowhere', { httpRoute: { enabled: true } }, /httpRoute\.parentRefs is empty: name/],
  ['an Ingress of no host', { ingress: { enabled: true } }, /ingress\.hosts is empty: name/],
  [
    'routes to nothing',
    {
      ingress: { enabled: true, hosts: ['a.example'] },
      httpRoute: { enabled: true, parentRefs: [{ name: 'web' }] },
      components: {
        ingestApi: { enabled: false },
        statsApi: { enabled: false },
        s3UsageWatcher: { enabled: false },
      },
    },
    /- ingress\.enabled leads to nothing: .*\n- httpRoute\.enabled leads to nothing: enable one of/,
  ],
  [
    'a memory limit that cannot be read',
    { components: { ingestApi: { resources: { limits: { memory: '1 GB' } } } } },
    /memory limit "1 GB" of ingestApi cannot be read: write it like 512Mi/,
  ],
])('%s is refused with a sentence that says what to do', (_what, values, sentence) => {
  expect(refusal(values)).toMatch(sentence);
});

test.each<[string, string, Values]>([
  ['begins with a digit', '7up', {}],
  ['holds a dot', 'a.b', {}],
])('a name that %s is refused, and with another one it is not', (_what, release, values) => {
  const files = [valuesFile('ci/minimal').path];
  expect(refusalOf({ release, files, values })).toMatch(/no name of a Service: .*fullnameOverride/);
  expect(refusalOf({ release, files, values: { fullnameOverride: 'usage' } })).toBe('');
});

test.each(['nameOverride', 'fullnameOverride'])('a wrong %s is refused', (key) => {
  expect(refusal({ [key]: 'Usage_1' })).toContain(`/${key}`);
});

test('alerts may be on a job of another name', () => {
  const prometheusRule = { enabled: true, job: 'pods' };
  expect(refusal({ monitoring: { prometheusRule } })).toBe('');
});

test('what is right is not refused: an IPv6 address of Postgres, requests up to the limit, other strategies', () => {
  expect(
    refusal({
      postgres: { host: 'fd00::1' },
      aws: { endpointUrl: 'http://minio:9000' },
      mqtt: { url: 'mqtt{{ "s" }}://{{ .Release.Name }}-broker:8883' },
      components: {
        mqttCounter: { strategy: { type: 'OnDelete' } },
        statsApi: { strategy: { type: 'Recreate' } },
        ingestApi: {
          resources: { requests: { cpu: '1', memory: '524288Ki' }, limits: { cpu: '1000m' } },
        },
      },
    }),
  ).toBe('');
});

test('a component may be installed alone', () => {
  const others = ['ingestApi', 'statsApi', 's3UsageWatcher', 'scheduler'];
  const workers = ['countingWorker', 'measuringWorker', 'posthocWorker'];
  const off = (keys: readonly string[]) =>
    Object.fromEntries(keys.map((key) => [key, { enabled: false }]));
  expect(refusal({ components: off([...others, ...workers]) })).toBe('');
  expect(refusal({ components: off(['countingWorker']) })).toContain('Nobody takes jobs of');
});

test('everything that is wrong is said at once', () => {
  const said = refusal({
    components: { scheduler: { replicas: 3 }, iotCounter: { enabled: true } },
    httpRoute: { enabled: true },
  });
  expect(said.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(3);
});
