/**
 * Writes the part of Kubernetes' API schemas that the chart's tests need, so that they need no network and no cluster:
 *
 *   node scripts/extract-kubernetes-schemas.mjs DEFINITIONS.json VERSION > test/chart/kubernetes/VERSION.json
 *
 * DEFINITIONS.json is `api/openapi-spec/swagger.json` of a Kubernetes release, or `_definitions.json` of the same release in
 * the package kubernetes-validate of PyPI, from which the stored ones were taken (version 1.37.0; Apache-2.0, as Kubernetes).
 *
 * Unknown fields and nulls are made errors: an API server drops the one in silence and takes the other for "not set", and in a
 * chart both are mistakes.
 */
import { readFileSync } from 'node:fs';

/** What a chart of ours may render. */
const KINDS = [
  'v1/ConfigMap',
  'v1/PersistentVolumeClaim',
  'v1/Pod',
  'v1/Secret',
  'v1/Service',
  'v1/ServiceAccount',
  'apps/v1/Deployment',
  'apps/v1/StatefulSet',
  'autoscaling/v2/HorizontalPodAutoscaler',
  'batch/v1/CronJob',
  'batch/v1/Job',
  'networking.k8s.io/v1/Ingress',
  'networking.k8s.io/v1/NetworkPolicy',
  'policy/v1/PodDisruptionBudget',
];

const [file, version] = process.argv.slice(2);
if (file === undefined || version === undefined) {
  process.stderr.write('usage: extract-kubernetes-schemas.mjs DEFINITIONS.json VERSION\n');
  process.exit(2);
}
const document = JSON.parse(readFileSync(file, 'utf8'));
const all = document.definitions ?? document.$defs;

const kinds = {};
for (const kind of KINDS) kinds[kind] = definitionOf(kind);
const definitions = {};
for (const name of Object.values(kinds)) take(name);

// A definition a line: what differs between two versions is seen, and the file stays small.
const lines = Object.keys(definitions)
  .sort()
  .map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(definitions[name])}`);
process.stdout.write(
  `{\n  "version": ${JSON.stringify(version)},\n  "kinds": ${JSON.stringify(kinds)},\n  "definitions": {\n${lines.join(',\n')}\n  }\n}\n`,
);

/** The definition of `apps/v1/Deployment`. */
function definitionOf(kind) {
  const [name, apiVersion, group = ''] = kind.split('/').reverse();
  const [found] = Object.entries(all).find(([, { 'x-kubernetes-group-version-kind': gvks }]) =>
    gvks?.some((gvk) => gvk.group === group && gvk.version === apiVersion && gvk.kind === name),
  ) ?? [undefined];
  if (found === undefined) throw new Error(`${file} knows no ${kind}`);
  return found;
}

/** Takes a definition and all it refers to. */
function take(name) {
  if (name in definitions) return;
  definitions[name] = null;
  definitions[name] = strict(all[name]);
}

function strict(schema) {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const result = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'description' || key.startsWith('x-kubernetes-') || key === '$schema') continue;
    if (key === '$ref') {
      const name = value.replace(/^.*\//, '');
      take(name);
      result.$ref = `#/definitions/${name}`;
    } else if (key === 'type' && Array.isArray(value)) {
      const types = value.filter((type) => type !== 'null');
      result.type = types.length === 1 ? types[0] : types;
    } else if (key === 'properties') {
      result.properties = Object.fromEntries(
        Object.entries(value).map(([property, each]) => [property, strict(each)]),
      );
    } else result[key] = strict(value);
  }
  if ('properties' in result) result.additionalProperties = false;
  return result;
}
