import { describe, expect, test } from '@jest/globals';
import { helmLint } from './harness/helm.ts';
import { containersOf, identityOf, podTemplateOf } from './harness/kubernetes-object.ts';
import { render, valuesFiles } from './harness/rendered-chart.ts';
import { KUBERNETES_VERSIONS, schemaProblems } from './harness/schemas.ts';

// What holds for every object of the chart, whatever the values: each of its values files is rendered and looked through.

describe.each(valuesFiles())('$name', ({ path }) => {
  const objects = () => render({ files: [path] });
  const pods = () =>
    objects().flatMap((object) => {
      const template = podTemplateOf(object);
      return template === undefined ? [] : [{ of: identityOf(object), object, template }];
    });
  const containers = () =>
    pods().flatMap(({ of, template }) =>
      containersOf(template).map((container) => ({ of: `${of}/${container.name}`, container })),
    );
  /** Those that break a rule, by name. */
  const breaking = <Item extends { readonly of: string }>(
    items: readonly Item[],
    isRight: (item: Item) => boolean,
  ): readonly string[] => items.filter((item) => !isRight(item)).map(({ of }) => of);

  test('is taken by helm lint --strict', () => {
    const { ok, stdout, stderr } = helmLint({ files: [path] });
    expect({ ok, said: ok ? '' : stdout + stderr }).toEqual({ ok: true, said: '' });
  });

  test.each(KUBERNETES_VERSIONS)('makes objects that Kubernetes %s takes', (version) => {
    expect(objects().length).toBeGreaterThan(10);
    expect(objects().flatMap((object) => schemaProblems(object, version))).toEqual([]);
  });

  test('makes each object once, in the namespace of the release', () => {
    const identities = objects().map(identityOf);
    expect(identities.filter((each, index) => identities.indexOf(each) !== index)).toEqual([]);
    expect(objects().filter(({ metadata }) => metadata.namespace !== 'metering')).toEqual([]);
  });

  test('labels every object as Kubernetes and Helm recommend', () => {
    const own = objects().filter(({ metadata }) => !metadata.name.endsWith('-extra'));
    const unlabelled = own.filter(({ metadata: { labels = {} } }) =>
      ['name', 'instance', 'version', 'component', 'part-of', 'managed-by'].some(
        (label) => !labels[`app.kubernetes.io/${label}`],
      ),
    );
    expect(unlabelled.map(identityOf)).toEqual([]);
    expect(own.filter(({ metadata }) => !metadata.labels?.['helm.sh/chart'])).toEqual([]);
  });

  test('selects pods by name, instance and component only, and each workload its own', () => {
    const workloads = pods().filter(({ object }) => object.spec?.selector !== undefined);
    const selectors = workloads.map(({ object, template }) => {
      const matchLabels = object.spec?.selector?.matchLabels ?? {};
      expect(Object.keys(matchLabels).sort()).toEqual([
        'app.kubernetes.io/component',
        'app.kubernetes.io/instance',
        'app.kubernetes.io/name',
      ]);
      expect(template.metadata?.labels).toMatchObject(matchLabels);
      return JSON.stringify(matchLabels);
    });
    expect(new Set(selectors).size).toBe(selectors.length);
  });

  test('fits the restricted pod security standard, init containers, jobs and tests included', () => {
    const unsafePods = breaking(pods(), ({ template: { spec } }) => {
      const { runAsNonRoot, runAsUser, seccompProfile } = spec.securityContext ?? {};
      return (
        runAsNonRoot === true &&
        typeof runAsUser === 'number' &&
        runAsUser > 0 &&
        JSON.stringify(seccompProfile) === '{"type":"RuntimeDefault"}' &&
        !Object.keys(spec).some((field) => field.startsWith('host') && field !== 'hostAliases') &&
        (spec.volumes ?? []).every((volume) => volume.hostPath === undefined)
      );
    });
    expect(unsafePods).toEqual([]);
    const unsafe = breaking(containers(), ({ container: { securityContext = {} } }) => {
      const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = securityContext;
      return (
        allowPrivilegeEscalation === false &&
        readOnlyRootFilesystem === true &&
        JSON.stringify(capabilities) === '{"drop":["ALL"]}' &&
        securityContext.privileged !== true &&
        securityContext.runAsUser !== 0
      );
    });
    expect(unsafe).toEqual([]);
  });

  test('gives no pod a token of the Kubernetes API, and no role', () => {
    expect(
      breaking(pods(), ({ template }) => template.spec.automountServiceAccountToken === false),
    ).toEqual([]);
    const accounts = objects().filter(({ kind }) => kind === 'ServiceAccount');
    expect(accounts.filter((each) => each.automountServiceAccountToken !== false)).toEqual([]);
    expect(objects().filter(({ kind }) => /Role|Binding/.test(kind))).toEqual([]);
  });

  test('names every variable once in a container', () => {
    const twice = containers().flatMap(({ of, container: { env = [] } }) => {
      const names = env.map((variable) => variable.name);
      return names.filter((each, index) => names.indexOf(each) !== index).map((n) => `${of} ${n}`);
    });
    expect(twice).toEqual([]);
  });

  test('pins every image to a version or a digest', () => {
    const floating = breaking(
      containers(),
      ({ container: { image } }) =>
        /@sha256:[0-9a-f]{64}$/.test(image) || /:v?\d+\.\d+[\w.-]*$/.test(image),
    );
    expect(floating).toEqual([]);
    expect(containers().filter(({ container }) => /bitnami/.test(container.image))).toEqual([]);
  });

  test('says what every container needs, bounds its memory, and leaves its CPU free', () => {
    const unbound = breaking(containers(), ({ container: { resources = {} } }) => {
      const { requests = {}, limits = {} } = resources;
      return Boolean(requests.cpu && requests.memory && limits.memory) && limits.cpu === undefined;
    });
    expect(unbound).toEqual([]);
  });

  test('refers to nothing that is neither made nor the operator’s', () => {
    const made = new Set(objects().map(({ kind, metadata }) => `${kind}/${metadata.name}`));
    const missing = pods().flatMap(({ of, template }) => [
      ...(template.spec.volumes ?? []).flatMap(({ configMap }) =>
        configMap?.name.startsWith('odometer-') && !made.has(`ConfigMap/${configMap.name}`)
          ? [`${of} mounts ${configMap.name}`]
          : [],
      ),
      ...containersOf(template).flatMap(({ env = [] }) =>
        env.flatMap(({ valueFrom }) => {
          const secret = valueFrom?.secretKeyRef?.name;
          return secret === 'odometer-bundled' && !made.has(`Secret/${secret}`)
            ? [`${of} reads ${secret}`]
            : [];
        }),
      ),
    ]);
    expect(missing).toEqual([]);
  });

  test('has no volume that is not mounted, and no mount without its volume', () => {
    const loose = pods().flatMap(({ of, object, template }) => {
      const claims = object.spec?.volumeClaimTemplates ?? [];
      const volumes = [
        ...(template.spec.volumes ?? []).map((volume) => volume.name),
        ...claims.map(({ metadata }) => metadata.name),
      ].sort();
      const mounted = [
        ...new Set(
          containersOf(template).flatMap(({ volumeMounts = [] }) =>
            volumeMounts.map((m) => m.name),
          ),
        ),
      ].sort();
      return JSON.stringify(volumes) === JSON.stringify(mounted)
        ? []
        : [`${of}: ${volumes} but ${mounted}`];
    });
    expect(loose).toEqual([]);
  });

  test('leaves the number of pods alone where something else scales them', () => {
    const scaled = objects().flatMap(({ kind, spec }) =>
      kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject'
        ? [spec?.scaleTargetRef?.name]
        : [],
    );
    expect(new Set(scaled).size).toBe(scaled.length);
    for (const { object } of pods()) {
      if (!['Deployment', 'StatefulSet'].includes(object.kind)) continue;
      const hasReplicas = object.spec !== undefined && 'replicas' in object.spec;
      expect([object.metadata.name, hasReplicas]).toEqual([
        object.metadata.name,
        !scaled.includes(object.metadata.name),
      ]);
    }
  });
});
