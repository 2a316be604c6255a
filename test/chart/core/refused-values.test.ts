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
    { components: { measuringWorker: { queues: ['measure', 'posthoc'] } } },
    /Nobody takes jobs of the queue periods: list it in/,
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
    'a memory limit that cannot be read',
    { components: { ingestApi: { resources: { limits: { memory: '1 GB' } } } } },
    /memory limit "1 GB" of ingestApi cannot be read: write it like 512Mi/,
  ],
])('%s is refused with a sentence that says what to do', (_what, values, sentence) => {
  expect(refusal(values)).toMatch(sentence);
});

test('everything that is wrong is said at once', () => {
  const said = refusal({
    components: { scheduler: { replicas: 3 }, iotCounter: { enabled: true } },
    httpRoute: { enabled: true },
  });
  expect(said.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(3);
});
