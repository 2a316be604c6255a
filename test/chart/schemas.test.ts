import { expect, test } from '@jest/globals';
import { CUSTOM_RESOURCES } from './harness/custom-resources.ts';
import type { KubernetesObject } from './harness/kubernetes-object.ts';
import { KUBERNETES_VERSIONS, schemaProblems } from './harness/schemas.ts';

// A checker that checks nothing is green, too.

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', namespace: 'b' },
  spec: { ports: [{ name: 'http', port: 80 }] },
};

test.each(KUBERNETES_VERSIONS)('the schemas of %s take a right object', (version) => {
  expect(schemaProblems(service, version)).toEqual([]);
});

const WRONG: readonly (readonly [string, KubernetesObject, string])[] = [
  ['an unknown field', { ...service, spec: { port: 80 } }, 'additional properties "port"'],
  ['a text for a number', { ...service, spec: { ports: [{ port: '80' }] } }, 'must be integer'],
  ['what is missing', { ...service, spec: { ports: [{ name: 'a' }] } }, "property 'port'"],
  ['an empty value', asRendered({ ...service, spec: { selector: null } }), 'must be object'],
  [
    'a number for a label',
    asRendered({ ...service, metadata: { name: 'a', labels: { value: 1 } } }),
    'must be string',
  ],
  ['an unknown kind', { ...service, kind: 'Servise' }, 'no schema of v1/Servise'],
];

test.each(WRONG)('the schemas refuse %s', (_what, object, problem) => {
  for (const version of KUBERNETES_VERSIONS) {
    expect(schemaProblems(object, version).join('\n')).toContain(problem);
  }
});

test.each(Object.keys(CUSTOM_RESOURCES))('the schema of %s refuses an unknown field', (kind) => {
  const [name = '', ...apiVersion] = kind.split('/').reverse();
  const object = {
    apiVersion: apiVersion.reverse().join('/'),
    kind: name,
    metadata: { name: 'a', namespace: 'b' },
    spec: { unheardOf: 1 },
  };
  expect(schemaProblems(object, 'v1.30').join('\n')).toContain('"unheardOf"');
});

/** What a template may render, whatever the types say. */
function asRendered(object: unknown): KubernetesObject {
  return JSON.parse(JSON.stringify(object));
}
