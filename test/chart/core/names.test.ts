import { describe, expect, test } from '@jest/globals';
import { identityOf, type KubernetesObject, podTemplateOf } from '../harness/kubernetes-object.ts';
import { renderFile } from '../harness/rendered-chart.ts';

/** The longest name that Helm takes. */
const longest = (end: string) => `${'release-with-a-very-long-name-'.repeat(2).slice(0, 52)}${end}`;

const EVERYTHING = ['ci/full', 'ci/bundled'] as const;

/**
 * Of a StatefulSet the revision becomes a label: its name, a dash and ten characters. Most others' are labels or DNS names.
 */
const MOST: Readonly<Record<string, number>> = { StatefulSet: 52, ConfigMap: 253 };

/** Every label's value, those of pods included. */
function labelsOf(object: KubernetesObject): readonly string[] {
  const pod = podTemplateOf(object)?.metadata?.labels ?? {};
  return Object.values({ ...object.metadata.labels, ...pod });
}

describe.each(EVERYTHING)('%s, as a release of 53 characters', (file) => {
  const objects = () => renderFile(file, { release: longest('x') });

  test('has names and labels that Kubernetes takes, with room for what it appends', () => {
    expect(longest('x')).toHaveLength(53);
    for (const object of objects()) {
      const { name } = object.metadata;
      expect(name.length).toBeLessThanOrEqual(MOST[object.kind] ?? 63);
      expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
      for (const label of labelsOf(object)) expect(label.length).toBeLessThanOrEqual(63);
    }
  });

  test('shares no object with another that differs in the last character', () => {
    const own = new Set(objects().map(identityOf));
    const other = renderFile(file, { release: longest('y') }).map(identityOf);
    expect(other.filter((each) => own.has(each))).toEqual([]);
  });
});

test.each(EVERYTHING)('%s: two releases in one namespace share no object', (file) => {
  const one = new Set(renderFile(file, { release: 'one' }).map(identityOf));
  expect(renderFile(file, { release: 'two' }).filter((each) => one.has(identityOf(each)))).toEqual(
    [],
  );
});

test('a release that is called after the chart is not called so twice', () => {
  const names = (release: string) =>
    renderFile('ci/minimal', { release }).map(({ metadata }) => metadata.name);
  expect(names('odometer')).toContain('odometer-ingest-api');
  expect(names('my-odometer')).toContain('my-odometer-ingest-api');
  expect(names('usage')).toContain('usage-odometer-ingest-api');
});

test.each(EVERYTHING)('%s: the same values make the same text', (file) => {
  const [once, again] = ['once', 'again'].map((attempt) =>
    JSON.stringify(
      renderFile(file, { attempt }).filter(
        // Its passwords are made where there is no cluster to look into.
        ({ kind }) => kind !== 'Secret',
      ),
    ),
  );
  expect(once).toBe(again);
});

test.each(EVERYTHING)(
  '%s: a namespace and an account that are called like numbers stay texts',
  (file) => {
    const values = { defaults: { serviceAccount: { create: false, name: '0123' } } };
    const objects = renderFile(file, { namespace: '1234', values });
    for (const { metadata } of objects) {
      // An object of the user's own is as the user writes it.
      if (!metadata.name.endsWith('-extra')) expect(metadata.namespace).toBe('1234');
    }
    const accounts = objects.flatMap(
      (object) => podTemplateOf(object)?.spec.serviceAccountName ?? [],
    );
    expect(accounts).toContain('0123');
    for (const account of accounts) expect(typeof account).toBe('string');
  },
);
