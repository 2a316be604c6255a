import { describe, expect, test } from '@jest/globals';
import { QUEUE_NAMES, QUEUE_PREFIX } from '@odometer/queues/catalogue';
import type { Values } from '../harness/helm.ts';
import { find, ofKind, renderFile } from '../harness/rendered-chart.ts';

const WORKERS = {
  countingWorker: { autoscaling: { keda: { enabled: true } } },
  measuringWorker: { autoscaling: { keda: { enabled: true } } },
  posthocWorker: { autoscaling: { keda: { enabled: true } } },
};
const scaled = (values: Values = {}) =>
  renderFile('ci/minimal', { values: { components: WORKERS, ...values } });

interface Trigger {
  readonly type: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly authenticationRef?: { readonly name: string };
}
interface ScaledObjectSpec {
  readonly minReplicaCount: number;
  readonly triggers: readonly Trigger[];
  readonly advanced: { readonly scalingModifiers?: { readonly formula: string } };
}

const scaledObject = (objects: ReturnType<typeof scaled>, name: string) =>
  find(objects, 'ScaledObject', name).spec as unknown as ScaledObjectSpec;

describe('KEDA', () => {
  test('looks at the very keys that the queues write: all of them, waiting and prioritized', () => {
    const lists = [
      'odometer-counting-worker',
      'odometer-measuring-worker',
      'odometer-posthoc-worker',
    ].flatMap((name) =>
      scaledObject(scaled(), name).triggers.map(({ metadata }) => metadata.listName),
    );
    expect(lists.sort()).toEqual(
      QUEUE_NAMES.flatMap((queue) => [
        `${QUEUE_PREFIX}:${queue}:prioritized`,
        `${QUEUE_PREFIX}:${queue}:wait`,
      ]).sort(),
    );
  });

  test('adds up what waits, and never scales to none', () => {
    const { advanced, triggers, minReplicaCount } = scaledObject(
      scaled(),
      'odometer-measuring-worker',
    );
    expect(advanced.scalingModifiers?.formula).toBe(triggers.map(({ name }) => name).join(' + '));
    expect(minReplicaCount).toBe(1);
  });

  test('gets into Redis as the workers do', () => {
    const redis = { host: 'r', tls: true, username: 'u', existingSecret: 's' };
    const objects = scaled({ redis, caBundle: { existingSecret: 'ca', key: 'root.pem' } });
    const [trigger] = scaledObject(objects, 'odometer-counting-worker').triggers;
    expect(trigger?.metadata).toMatchObject({
      address: 'r.metering.svc:6379',
      enableTLS: 'true',
      usernameFromEnv: 'ODOMETER_REDIS_USERNAME',
    });
    const authentication = find(
      objects,
      'TriggerAuthentication',
      trigger?.authenticationRef?.name ?? '',
    );
    expect(authentication.spec).toEqual({
      secretTargetRef: [
        { parameter: 'password', name: 's', key: 'password' },
        { parameter: 'ca', name: 'ca', key: 'root.pem' },
      ],
    });
  });

  test('finds a Redis with a whole name where it is', () => {
    const { triggers } = scaledObject(
      scaled({ redis: { host: 'valkey.databases.svc' } }),
      'odometer-counting-worker',
    );
    expect(triggers[0]?.metadata).toMatchObject({ address: 'valkey.databases.svc:6379' });
  });

  test('takes other triggers instead', () => {
    const triggers = [{ type: 'cron', metadata: { timezone: 'UTC' } }];
    const components = {
      countingWorker: { autoscaling: { keda: { enabled: true, triggers } } },
    };
    const spec = scaledObject(scaled({ components }), 'odometer-counting-worker');
    expect(spec.triggers).toEqual(triggers);
    expect(spec.advanced.scalingModifiers).toBeUndefined();
    expect(ofKind(scaled({ components }), 'TriggerAuthentication')).toEqual([]);
  });
});

test('what is scaled has no number of replicas that Helm would fight for', () => {
  const objects = scaled({
    components: { ...WORKERS, ingestApi: { autoscaling: { hpa: { enabled: true } } } },
  });
  const replicas = Object.fromEntries(
    ofKind(objects, 'Deployment').map(({ metadata, spec }) => [metadata.name, spec?.replicas]),
  );
  expect(replicas).toEqual({
    'odometer-ingest-api': undefined,
    'odometer-stats-api': 2,
    'odometer-s3-usage-watcher': 1,
    'odometer-scheduler': 1,
    'odometer-counting-worker': undefined,
    'odometer-measuring-worker': undefined,
    'odometer-posthoc-worker': undefined,
  });
  expect(find(objects, 'HorizontalPodAutoscaler', 'odometer-ingest-api').spec).toMatchObject({
    // As many as there were, or switching it on would take some away.
    minReplicas: 2,
    behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
  });
});

test('a budget never blocks a drain by default, and has one of the two fields', () => {
  const budgets = ofKind(scaled(), 'PodDisruptionBudget');
  expect(budgets.length).toBeGreaterThan(4);
  for (const { spec } of budgets) {
    expect(spec).toMatchObject({ maxUnavailable: 1 });
    expect(spec?.minAvailable).toBeUndefined();
  }
  const components = { statsApi: { pdb: { minAvailable: 0 } } };
  const changed = find(scaled({ components }), 'PodDisruptionBudget', 'odometer-stats-api');
  expect(changed.spec).toMatchObject({ minAvailable: 0 });
  expect(changed.spec?.maxUnavailable).toBeUndefined();
});
