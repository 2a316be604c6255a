/**
 * Schemas of the custom resources that the chart can render, by `apiVersion/kind`: only the fields that it uses, so that an
 * unknown one fails. After the API references of the Prometheus operator, KEDA and the Gateway API; for a
 * further field look there first, and since which version there is one.
 */

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const filled: Schema = { type: 'string', minLength: 1 };
const integer: Schema = { type: 'integer', minimum: 0 };
const flag: Schema = { type: 'boolean' };
const textMap: Schema = { type: 'object', additionalProperties: text };
const list = (items: Schema): Schema => ({ type: 'array', items, minItems: 1 });
const one = (...values: readonly string[]): Schema => ({ enum: values });

/** An object that has no other fields. */
function fields(properties: Readonly<Record<string, Schema>>, ...required: string[]): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** Prometheus wants `30s`, not `30`. */
const duration: Schema = { type: 'string', pattern: '^([0-9]+(ms|s|m|h|d|w|y))+$' };

const metadata = fields(
  {
    name: { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' },
    namespace: filled,
    labels: textMap,
    annotations: textMap,
  },
  'name',
  'namespace',
);

function resource(apiVersion: string, kind: string, spec: Schema): Schema {
  return fields(
    { apiVersion: one(apiVersion), kind: one(kind), metadata, spec },
    'apiVersion',
    'kind',
    'metadata',
    'spec',
  );
}

const selector = fields({
  matchLabels: textMap,
  matchExpressions: list(
    fields(
      { key: filled, operator: one('In', 'NotIn', 'Exists', 'DoesNotExist'), values: list(text) },
      'key',
      'operator',
    ),
  ),
});

const relabeling = fields({
  sourceLabels: list(text),
  separator: text,
  targetLabel: text,
  regex: text,
  replacement: text,
  action: text,
  modulus: integer,
});

const podMonitor = fields(
  {
    selector,
    namespaceSelector: fields({ any: flag, matchNames: list(text) }),
    podTargetLabels: list(text),
    jobLabel: text,
    sampleLimit: integer,
    targetLimit: integer,
    labelLimit: integer,
    podMetricsEndpoints: list(
      fields(
        {
          port: filled,
          path: text,
          scheme: one('http', 'https'),
          interval: duration,
          scrapeTimeout: duration,
          honorLabels: flag,
          relabelings: list(relabeling),
          metricRelabelings: list(relabeling),
        },
        'port',
      ),
    ),
  },
  'selector',
  'podMetricsEndpoints',
);

const rule: Schema = {
  oneOf: [
    fields(
      {
        alert: filled,
        expr: { type: ['string', 'integer'] },
        for: duration,
        keep_firing_for: duration,
        labels: textMap,
        annotations: textMap,
      },
      'alert',
      'expr',
    ),
    fields(
      { record: filled, expr: { type: ['string', 'integer'] }, labels: textMap },
      'record',
      'expr',
    ),
  ],
};

const prometheusRule = fields(
  {
    groups: list(
      fields(
        { name: filled, interval: duration, limit: integer, rules: list(rule) },
        'name',
        'rules',
      ),
    ),
  },
  'groups',
);

const scaledObject = fields(
  {
    scaleTargetRef: fields(
      { apiVersion: text, kind: text, name: filled, envSourceContainerName: filled },
      'name',
    ),
    pollingInterval: integer,
    cooldownPeriod: integer,
    initialCooldownPeriod: integer,
    minReplicaCount: integer,
    maxReplicaCount: { type: 'integer', minimum: 1 },
    fallback: fields(
      {
        failureThreshold: { type: 'integer', minimum: 1 },
        replicas: { type: 'integer', minimum: 1 },
        behavior: one(
          'static',
          'currentReplicas',
          'currentReplicasIfHigher',
          'currentReplicasIfLower',
        ),
      },
      'failureThreshold',
      'replicas',
    ),
    advanced: fields({
      restoreToOriginalReplicaCount: flag,
      horizontalPodAutoscalerConfig: fields({
        name: text,
        // Checked as a part of HorizontalPodAutoscaler where that is rendered.
        behavior: { type: 'object' },
      }),
      scalingModifiers: fields({
        formula: filled,
        target: filled,
        activationTarget: text,
        metricType: text,
      }),
    }),
    triggers: list(
      fields(
        {
          type: filled,
          name: filled,
          metricType: one('AverageValue', 'Value', 'Utilization'),
          useCachedMetrics: flag,
          // Every value is text, or KEDA refuses the whole object.
          metadata: textMap,
          authenticationRef: fields(
            { name: filled, kind: one('TriggerAuthentication', 'ClusterTriggerAuthentication') },
            'name',
          ),
        },
        'type',
        'metadata',
      ),
    ),
  },
  'scaleTargetRef',
  'triggers',
);

const triggerAuthentication = fields({
  podIdentity: fields(
    {
      provider: one('aws', 'azure-workload', 'gcp', 'none'),
      identityOwner: one('keda', 'workload'),
      roleArn: text,
    },
    'provider',
  ),
  secretTargetRef: list(
    fields({ parameter: filled, name: filled, key: filled }, 'parameter', 'name', 'key'),
  ),
  configMapTargetRef: list(
    fields({ parameter: filled, name: filled, key: filled }, 'parameter', 'name', 'key'),
  ),
});

const parentRef = fields(
  {
    group: text,
    kind: text,
    namespace: filled,
    name: filled,
    sectionName: filled,
    port: integer,
  },
  'name',
);

const httpRoute = fields(
  {
    parentRefs: list(parentRef),
    hostnames: list(filled),
    rules: list(
      fields({
        name: filled,
        matches: list(
          fields({
            path: fields(
              { type: one('Exact', 'PathPrefix', 'RegularExpression'), value: filled },
              'type',
              'value',
            ),
            method: one('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
            headers: list(
              fields(
                { type: one('Exact', 'RegularExpression'), name: filled, value: filled },
                'name',
                'value',
              ),
            ),
          }),
        ),
        filters: list({ type: 'object', required: ['type'] }),
        timeouts: fields({ request: duration, backendRequest: duration }),
        backendRefs: list(
          fields(
            {
              group: text,
              kind: text,
              name: filled,
              namespace: filled,
              port: integer,
              weight: integer,
            },
            'name',
            'port',
          ),
        ),
      }),
    ),
  },
  'parentRefs',
  'rules',
);

export const CUSTOM_RESOURCES: Readonly<Record<string, Schema>> = {
  'monitoring.coreos.com/v1/PodMonitor': resource(
    'monitoring.coreos.com/v1',
    'PodMonitor',
    podMonitor,
  ),
  'monitoring.coreos.com/v1/PrometheusRule': resource(
    'monitoring.coreos.com/v1',
    'PrometheusRule',
    prometheusRule,
  ),
  'keda.sh/v1alpha1/ScaledObject': resource('keda.sh/v1alpha1', 'ScaledObject', scaledObject),
  'keda.sh/v1alpha1/TriggerAuthentication': resource(
    'keda.sh/v1alpha1',
    'TriggerAuthentication',
    triggerAuthentication,
  ),
  'gateway.networking.k8s.io/v1/HTTPRoute': resource(
    'gateway.networking.k8s.io/v1',
    'HTTPRoute',
    httpRoute,
  ),
};
