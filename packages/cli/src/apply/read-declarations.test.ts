import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isOdometerError } from '@odometer/domain/errors';
import { readDeclarations } from './read-declarations.ts';

function problemsOf(text: string): readonly string[] {
  try {
    readDeclarations('FILE.yaml', text);
  } catch (error) {
    if (!isOdometerError(error, 'declaration_invalid')) throw error;
    return String(error.params.problems).split('\n');
  }
  throw new Error('the declarations are valid');
}

const METER = `kind: Meter
spec:
  slug: gpu_seconds
  eventType: gpu
  aggregation: SUM
  valueProperty: $.seconds
`;

describe('readDeclarations', () => {
  test('reads every kind, each after what it refers to', () => {
    const text = `${METER}---
kind: Project
spec: { organization: acme, slug: website }
---
kind: Plan
spec: { slug: pro, currency: EUR, limits: [] }
---
kind: Webhook
spec:
  name: auth0
  kind: auth0
  tokenHash: ${'ab'.repeat(32)}
  fields: { project: { fixed: acme/website } }
---
kind: Organization
spec: { slug: acme, name: Acme Inc. }
---
`;
    const labels = readDeclarations('FILE.yaml', text).map(({ label }) => label);
    expect(labels).toEqual([
      'Meter gpu_seconds',
      'Plan pro',
      'Organization acme',
      'Project acme/website',
      'Webhook auth0',
    ]);
  });

  test.each(['declarations', 'registries', 'readings', 'cross-checks', 'storage'])(
    'takes the examples of docs/%s.md',
    (page) => {
      const url = new URL(`../../../../docs/${page}.md`, import.meta.url);
      const examples = [...readFileSync(url, 'utf8').matchAll(/```yaml\n(kind: .*?)```/gs)];
      expect(examples.length).toBeGreaterThan(0);
      for (const [, example = ''] of examples) {
        const documents = example.match(/^kind: /gm) ?? [];
        expect(readDeclarations('FILE.yaml', example)).toHaveLength(documents.length);
      }
    },
  );

  test('refuses a name that would be left out without a word', () => {
    expect(problemsOf(`${METER}  groupBy: { __proto__: $.a }\n`)).toEqual([
      '  line 1: Meter: groupBy.__proto__ is no name that can be used',
    ]);
  });

  test('reports everything at once, each with its line', () => {
    const text = `kind: Metre
spec: {}
---
kind: Meter
spec:
  slug: GPU
  evenType: gpu
  aggregation: sum
---
kind: Organization
specs: { slug: acme }
---
kind: Webhook
spec:
  name: hook
  kind: hmac
  secretEnv: ODOMETER_WEBHOOK_SECRET_HOOK
  signature: { header: x-signature }
  type: builds
  fields: { id: id, project: { fixd: acme/website } }
`;
    expect(problemsOf(text)).toEqual([
      '  line 1: unknown kind "Metre"; did you mean Meter?',
      '  line 4: Meter: slug: should be small letters and digits, joined by _',
      '  line 4: Meter: eventType is missing',
      '  line 4: Meter: unknown field evenType; did you mean eventType?',
      '  line 10: unknown field specs; did you mean spec?',
      '  line 10: Organization: spec is missing',
      '  line 13: Webhook: fields.project.fixed is missing',
      '  line 13: Webhook: unknown field fields.project.fixd; did you mean fixed?',
    ]);
  });

  test.each([
    ['a value for count', METER.replace('SUM', 'count'), 'count counts events and takes no value'],
    [
      'no value for sum',
      METER.replace(/ {2}valueProperty.*\n/, ''),
      'sum needs to know where in the data its value is',
    ],
    ['a path of many values', METER.replace('$.seconds', '$..x'), 'should be a JSON path'],
    ['the same thing twice', `${METER}---\n${METER}`, 'Meter gpu_seconds is declared twice'],
    ['nothing', '---\n---\n', 'it declares nothing'],
    ['an empty file', '', 'it declares nothing'],
    ['what is no object', '- 1\n- 2\n', 'should have the fields kind and spec'],
    ['broken YAML', 'kind: [Meter\nspec: {', 'line 1'],
    [
      'a field of another type of registry',
      `kind: Registry
spec: { name: r, type: ecr, credentialsEnv: X, owners: [{ repository: '{organization}/{project}/…' }] }
`,
      'unknown field credentialsEnv; it belongs to type oci',
    ],
    [
      'a field of another kind of notifications',
      `kind: Bucket
spec: { name: b, bucket: b, notifications: { kind: webhook, path: p, tokenHash: ${'0'.repeat(64)}, topic: t } }
`,
      'unknown field notifications.topic; it belongs to kind mqtt',
    ],
    ['fields beside spec', `slug: x\n${METER}`, 'unknown field slug; all but kind belongs under'],
  ])('refuses %s', (_name, text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });
});
