import { describe, expect, test } from '@jest/globals';
import type { Values } from '../harness/helm.ts';
import { containersOf, podTemplateOf } from '../harness/kubernetes-object.ts';
import { find, ofKind, renderFile } from '../harness/rendered-chart.ts';

const render = (values: Values) => renderFile('ci/minimal', { values });

/** The one Job there is: its name, what its containers run in order, its hook. */
function jobOf(values: Values) {
  const [job, ...more] = ofKind(render(values), 'Job');
  if (job === undefined || more.length > 0) throw new Error('there is not one Job');
  const spec = podTemplateOf(job)?.spec ?? { containers: [] };
  return {
    name: job.metadata.name,
    runs: containersOf(spec === undefined ? { spec: { containers: [] } } : { spec }).map(
      ({ args = [] }) => args.slice(1).join(' '),
    ),
    hook: job.metadata.annotations?.['helm.sh/hook'],
    spec,
  };
}

/** What pods run before they start. */
function initialisation(values: Values): readonly string[] {
  const pods = ['Deployment', 'StatefulSet'].flatMap((kind) => ofKind(render(values), kind));
  expect(pods.length).toBeGreaterThan(6);
  const runs = pods.map((pod) =>
    (podTemplateOf(pod)?.spec.initContainers ?? []).map(({ args = [] }) => args.slice(1).join(' ')),
  );
  expect(new Set(runs.map((each) => each.join())).size).toBe(1);
  return runs[0] ?? [];
}

const declarations = { files: { 'acme.yaml': 'kind: Organization\nspec: { slug: acme }\n' } };

describe('a Job', () => {
  test('migrates, and every pod waits for the schema it was built for', () => {
    expect(jobOf({}).runs).toEqual(['migrate --wait=120']);
    expect(initialisation({})).toEqual(['migrate --check --wait=300']);
  });

  test('applies what is declared after it has migrated', () => {
    const { runs, spec } = jobOf({ declarations });
    expect(runs).toEqual(['migrate --wait=120', 'apply --filename=/etc/odometer/declarations']);
    expect(spec.volumes).toContainEqual({
      name: 'declarations',
      projected: { sources: [{ configMap: { name: 'odometer-declarations' } }] },
    });
    expect(find(render({ declarations }), 'ConfigMap', 'odometer-declarations').data).toEqual(
      declarations.files,
    );
  });

  test('applies a declaration as it is written, whatever its indentation', () => {
    const text = '  kind: Organization\n\n\n  spec: { slug: acme }';
    const objects = render({ declarations: { files: { 'a.yaml': text } } });
    expect(find(objects, 'ConfigMap', 'odometer-declarations').data).toEqual({ 'a.yaml': text });
  });

  test('has another name whenever it would be another, and else the same', () => {
    const { name } = jobOf({});
    expect(name).toMatch(/^odometer-migrate-[0-9a-f]{8}$/);
    expect(jobOf({ metering: { closeGraceHours: 1 } }).name).toBe(name);
    const others: readonly Values[] = [
      { image: { tag: '9.9.9' } },
      { declarations },
      { declarations: { files: { 'acme.yaml': 'kind: Project' } } },
      { migrations: { backoffLimit: 1 } },
      { postgres: { host: 'elsewhere' } },
    ];
    expect(new Set([name, ...others.map((values) => jobOf(values).name)]).size).toBe(6);
  });

  test('leaves failed pods and their logs, and is placed as the pods are', () => {
    const defaults = { nodeSelector: { disk: 'ssd' }, podLabels: { team: 'a' } };
    expect(jobOf({ defaults }).spec).toMatchObject({
      restartPolicy: 'Never',
      nodeSelector: { disk: 'ssd' },
      serviceAccountName: 'odometer-migrate',
      automountServiceAccountToken: false,
    });
  });
});

describe('a hook', () => {
  const values = { migrations: { strategy: 'hook' }, declarations };

  test('has a constant name, and all that it needs is part of it', () => {
    const job = jobOf(values);
    expect(job).toMatchObject({ name: 'odometer-migrate-hook', hook: 'pre-install,pre-upgrade' });
    const objects = render(values);
    for (const [kind, name] of [
      ['ServiceAccount', 'odometer-migrate-hook'],
      ['ConfigMap', 'odometer-declarations-hook'],
    ] as const) {
      expect(find(objects, kind, name).metadata.annotations).toEqual({
        'helm.sh/hook': 'pre-install,pre-upgrade',
        'helm.sh/hook-weight': '-10',
        'helm.sh/hook-delete-policy': 'before-hook-creation',
      });
    }
  });

  test('shares no name with what the strategy job makes, which Helm owns', () => {
    const names = (strategy: string) =>
      render({ migrations: { strategy }, declarations })
        .filter(({ kind }) => ['Job', 'ServiceAccount', 'ConfigMap'].includes(kind))
        .filter(({ metadata }) => /migrate|declarations/.test(metadata.name))
        .map(({ metadata }) => metadata.name);
    const ordinary = names('job');
    expect(names('hook')).toHaveLength(3);
    expect(names('hook').filter((name) => ordinary.includes(name))).toEqual([]);
    expect(jobOf(values).spec.serviceAccountName).toBe('odometer-migrate-hook');
  });

  test('is never removed before somebody can read its log', () => {
    const policies = render(values).flatMap(({ metadata }) => {
      const policy = metadata.annotations?.['helm.sh/hook-delete-policy'];
      return policy === undefined ? [] : [policy];
    });
    expect(new Set(policies)).toEqual(new Set(['before-hook-creation']));
  });
});

describe('without a Job', () => {
  test('each pod migrates before it starts', () => {
    const values = { migrations: { strategy: 'initContainer' } };
    expect(ofKind(render(values), 'Job')).toEqual([]);
    expect(initialisation(values)).toEqual(['migrate --wait=120']);
  });

  test('pods wait for whoever migrates', () => {
    const values = { migrations: { strategy: 'none' } };
    expect(ofKind(render(values), 'Job')).toEqual([]);
    expect(initialisation(values)).toEqual(['migrate --check --wait=300']);
  });

  test('what is declared is applied once the schema is there', () => {
    const { name, runs } = jobOf({ migrations: { strategy: 'none' }, declarations });
    expect(name).toMatch(/^odometer-apply-[0-9a-f]{8}$/);
    expect(runs).toEqual([
      'migrate --check --wait=300',
      'apply --filename=/etc/odometer/declarations',
    ]);
  });
});
