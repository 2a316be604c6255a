import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import { type DocumentedValue, isMap, keyOf } from './documented-values.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const whole = (minimum = 0, maximum?: number): JsonSchema => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
const port = whole(1, 65_535);
const one = (...values: readonly string[]): JsonSchema => ({ type: 'string', enum: values });
const list = (items: JsonSchema = {}): JsonSchema => ({ type: 'array', items });
const open: JsonSchema = { type: 'object' };
const mapOf = (additionalProperties: JsonSchema): JsonSchema => ({
  type: 'object',
  additionalProperties,
});
const orNull = (schema: JsonSchema): JsonSchema => ({
  ...schema,
  type: [schema.type, 'null'].flat(),
});
const fields = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  properties,
  additionalProperties: false,
});

const texts = mapOf(text);
/** A part of a name; of DNS-1035, because Services are called so. */
const name = { type: 'string', pattern: '^([a-z]([-a-z0-9]*[a-z0-9])?)?$' };
const countOrPercent = {
  type: ['integer', 'string', 'null'],
  pattern: '^(100|[1-9]?[0-9])%$',
  minimum: 0,
};
/** As Prometheus writes durations, `1m30s`; empty: its own. */
const duration = {
  type: 'string',
  pattern: '^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$',
};
const byteSize = { type: 'string', pattern: '^[0-9]+([.][0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$' };
/** A name, perhaps of all that are one level below, no address and no URL; or a template, which is not looked at. */
const hostName = {
  type: 'string',
  pattern:
    '^([*][.])?([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])*[a-z]([-a-z0-9]*[a-z0-9])?$|[{][{].*[}][}]',
};
const secretNames = list({ type: ['string', 'object'] });
const quantities = mapOf({ type: ['string', 'number'] });
const resources = fields({ requests: quantities, limits: quantities, claims: list(open) });
const pullPolicy = one('Always', 'IfNotPresent', 'Never');
const digest = { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' };
const probe: Readonly<Record<string, JsonSchema>> = {
  enabled: flag,
  initialDelaySeconds: whole(),
  periodSeconds: whole(1),
  timeoutSeconds: whole(1),
  failureThreshold: whole(1),
  successThreshold: whole(1),
  terminationGracePeriodSeconds: whole(1),
};

/**
 * What a default does not tell of its value, by the end of its path; the longest that fits counts. All else follows from
 * the default: a text takes texts, a map with fields takes those fields only, an empty map or list takes anything.
 */
const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  nameOverride: name,
  fullnameOverride: name,
  annotations: texts,
  labels: texts,
  commonLabels: texts,
  commonAnnotations: texts,
  podAnnotations: texts,
  podLabels: texts,
  additionalLabels: texts,
  alertLabels: texts,
  nodeSelector: texts,
  extraObjects: list({ type: ['object', 'string'] }),
  global: {
    type: 'object',
    properties: { imageRegistry: text, imagePullSecrets: secretNames },
  },
  imagePullSecrets: secretNames,
  digest,
  pullPolicy,
  port,
  'postgres.sslMode': one('disable', 'no-verify', 'require', 'verify-ca', 'verify-full'),
  'redis.durability': one('always', 'managed', 'volatile'),
  outboundSegments: list(text),
  sessionExpirySeconds: whole(60, 0xffff_fffe),
  eventRetentionMonths: orNull(whole(1)),
  'declarations.files': mapOf({ type: ['string', 'object'] }),
  'migrations.strategy': one('job', 'hook', 'initContainer', 'none'),
  ttlSecondsAfterFinished: orNull(whole()),
  waitSeconds: whole(1),
  schemaWaitSeconds: whole(1),
  activeDeadlineSeconds: whole(1),
  tolerations: orNull(list(open)),
  affinity: open,
  priorityClassName: orNull(text),
  'defaults.image': fields({
    registry: text,
    repository: text,
    tag: text,
    digest,
    pullPolicy,
  }),
  logLevel: one('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  env: mapOf({ type: ['string', 'number', 'boolean', 'object', 'null'] }),
  extraEnv: list({ type: 'object', required: ['name'], properties: { name: text } }),
  command: orNull(list(text)),
  args: orNull(list(text)),
  resources,
  heapPercent: whole(10, 95),
  topologySpreadConstraints: orNull(list(open)),
  podSecurityContext: open,
  securityContext: open,
  startup: fields(probe),
  liveness: fields(probe),
  readiness: fields(probe),
  terminationGracePeriodSeconds: whole(6),
  strategy: fields({ type: one('RollingUpdate', 'Recreate', 'OnDelete'), rollingUpdate: open }),
  tmpSizeLimit: byteSize,
  'persistence.size': byteSize,
  dnsPolicy: one('', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'),
  maxUnavailable: countOrPercent,
  minAvailable: countOrPercent,
  unhealthyPodEvictionPolicy: one('', 'AlwaysAllow', 'IfHealthyBudget'),
  targetCPUUtilizationPercentage: orNull(whole(1)),
  targetMemoryUtilizationPercentage: orNull(whole(1)),
  behavior: open,
  progressDeadlineSeconds: orNull(whole(1)),
  minReplicas: orNull(whole()),
  fallbackReplicas: orNull(whole()),
  jobsPerReplica: whole(1),
  memoryMb: whole(64),
  fetchMb: whole(1),
  threads: whole(1, 256),
  queues: { ...list(one(...QUEUE_NAMES)), uniqueItems: true },
  filters: list(text),
  'service.type': one('ClusterIP', 'NodePort', 'LoadBalancer'),
  httpsPorts: { ...list(port), minItems: 1 },
  hosts: list(hostName),
  hostnames: list(hostName),
  'podMonitor.interval': duration,
  'podMonitor.scrapeTimeout': duration,
  'prometheusRule.disabled': mapOf(flag),
  thresholds: mapOf({ type: ['number', 'string'] }),
};

/** The schema of the chart's values: it catches typing errors, needs no network, and fits Helm 3 and 4. */
export function valuesSchema(values: readonly DocumentedValue[]): JsonSchema {
  const knobs = values.find(({ path }) => path === 'defaults')?.values ?? [];
  const knobNames = new Map(knobs.map((knob) => [keyOf(knob.path), knob]));
  const component = (value: DocumentedValue): JsonSchema => ({
    ...described(value),
    type: 'object',
    properties: {
      ...references(knobNames.keys()),
      ...Object.fromEntries(
        value.values
          .filter((each) => !knobNames.has(keyOf(each.path)))
          .map((each) => [keyOf(each.path), schemaOf(each)]),
      ),
    },
    additionalProperties: false,
  });
  const topLevel = (value: DocumentedValue): JsonSchema => {
    if (value.path === 'defaults') {
      return {
        type: 'object',
        properties: references(knobNames.keys()),
        additionalProperties: false,
      };
    }
    if (value.path === 'components') {
      return fields(
        Object.fromEntries(value.values.map((each) => [keyOf(each.path), component(each)])),
      );
    }
    return schemaOf(value);
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the Odometer chart',
    ...fields(Object.fromEntries(values.map((value) => [value.path, topLevel(value)]))),
    definitions: Object.fromEntries(knobs.map((knob) => [keyOf(knob.path), schemaOf(knob)])),
  };
}

function references(names: Iterable<string>): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries([...names].map((name) => [name, { $ref: `#/definitions/${name}` }]));
}

/** @throws Error when neither the table nor the default tells what may be there. */
function schemaOf(value: DocumentedValue): JsonSchema {
  return { ...described(value), ...(tabled(value.path) ?? inferred(value)) };
}

function described({ comment }: DocumentedValue): JsonSchema {
  return comment === undefined ? {} : { description: comment };
}

function tabled(path: string): JsonSchema | undefined {
  const keys = path.split('.');
  for (let first = 0; first < keys.length; first += 1) {
    const schema = SCHEMAS[keys.slice(first).join('.')];
    if (schema !== undefined) return schema;
  }
  return undefined;
}

function inferred({ path, value, values }: DocumentedValue): JsonSchema {
  if (typeof value === 'string') return text;
  if (typeof value === 'boolean') return flag;
  if (typeof value === 'number') return whole();
  if (Array.isArray(value)) return list();
  if (!isMap(value)) throw new Error(`${path} needs a schema: its default says nothing`);
  if (values.length === 0) return open;
  return fields(Object.fromEntries(values.map((each) => [keyOf(each.path), schemaOf(each)])));
}
