import { describe, expect, test } from '@jest/globals';
import {
  containersOf,
  type EnvironmentVariable,
  type KubernetesObject,
  podTemplateOf,
} from '../harness/kubernetes-object.ts';
import { find, ofKind, renderFile, valuesFiles } from '../harness/rendered-chart.ts';

const OURS = /odometer-metering\/odometer/;

function environments(objects: readonly KubernetesObject[]): readonly EnvironmentVariable[] {
  return objects.flatMap((object) =>
    containersOf(podTemplateOf(object) ?? { spec: { containers: [] } }).flatMap(
      ({ env = [] }) => env,
    ),
  );
}

describe('credentials', () => {
  test('all come from Secrets of yours, under keys of yours', () => {
    const objects = renderFile('ci/existing-secrets');
    const sources = new Map(
      environments(objects).flatMap(({ name, valueFrom }) =>
        valueFrom?.secretKeyRef === undefined
          ? []
          : [[name, `${valueFrom.secretKeyRef.name}/${valueFrom.secretKeyRef.key}`] as const],
      ),
    );
    expect(Object.fromEntries(sources)).toEqual({
      PGPASSWORD: 'odometer-db/db-password',
      ODOMETER_REDIS_PASSWORD: 'team-valkey/valkey-pass',
      ODOMETER_MQTT_USERNAME: 'team-broker/user',
      ODOMETER_MQTT_PASSWORD: 'team-broker/pass',
    });
    expect(ofKind(objects, 'Secret')).toEqual([]);
  });

  test.each(valuesFiles())('$name: none is in a text that is no Secret', ({ name }) => {
    const inline = environments(renderFile(name)).filter(
      ({ name: variable, value }) =>
        value !== undefined && /PASSWORD|SECRET|TOKEN|ACCESS_KEY|API_KEY|AUTH$/.test(variable),
    );
    expect(inline).toEqual([]);
    const urls = environments(renderFile(name)).filter(({ value }) =>
      /^\w+:\/\/[^/]*@/.test(value ?? ''),
    );
    expect(urls).toEqual([]);
  });

  test('an authority of yours is trusted by every container of ours', () => {
    const containers = renderFile('ci/existing-secrets')
      .flatMap((object) => containersOf(podTemplateOf(object) ?? { spec: { containers: [] } }))
      .filter(({ image }) => OURS.test(image));
    expect(containers.length).toBeGreaterThan(10);
    for (const { env, volumeMounts } of containers) {
      expect(env).toContainEqual({
        name: 'NODE_EXTRA_CA_CERTS',
        value: '/etc/odometer/ca/ca.crt',
      });
      expect(volumeMounts).toContainEqual({
        name: 'ca-bundle',
        mountPath: '/etc/odometer/ca',
        readOnly: true,
      });
    }
  });
});

describe('identity', () => {
  test('each component has a ServiceAccount of its own', () => {
    const pods = renderFile('ci/full').flatMap((object) => {
      const spec = podTemplateOf(object)?.spec;
      return spec === undefined || object.kind === 'Pod' ? [] : [spec.serviceAccountName];
    });
    expect(new Set(pods).size).toBe(pods.length);
    expect(pods).toContain('storage-watcher');
  });

  test('IRSA is an annotation of those that talk to AWS, and Pod Identity needs none', () => {
    const roles = (file: string) =>
      ofKind(renderFile(file), 'ServiceAccount').flatMap(({ metadata }) =>
        metadata.annotations?.['eks.amazonaws.com/role-arn'] === undefined ? [] : [metadata.name],
      );
    expect(roles('examples/eks-irsa')).toEqual([
      'odometer-measuring-worker',
      'odometer-posthoc-worker',
      'odometer-s3-usage-watcher',
    ]);
    expect(roles('examples/eks-pod-identity')).toEqual([]);
    const accounts = ofKind(renderFile('examples/eks-pod-identity'), 'ServiceAccount');
    expect(accounts.map(({ metadata }) => metadata.name)).toContain('odometer-measuring-worker');
  });

  test('no values file needs static keys of AWS', () => {
    for (const { name } of valuesFiles()) {
      const names = environments(renderFile(name)).map((variable) => variable.name);
      expect(names.filter((each) => /^AWS_(ACCESS|SECRET|SESSION)/.test(each))).toEqual([]);
    }
  });
});

describe('images', () => {
  const containers = (objects: readonly KubernetesObject[]) =>
    objects.flatMap((object) =>
      containersOf(podTemplateOf(object) ?? { spec: { containers: [] } }),
    );

  test('all come out of one registry when the cluster has no other, tests and stores included', () => {
    const objects = renderFile('ci/bundled', {
      values: { global: { imageRegistry: 'mirror.example.org/all', imagePullSecrets: ['login'] } },
    });
    const images = new Set(containers(objects).map(({ image }) => image));
    for (const image of images) expect(image).toMatch(/^mirror\.example\.org\/all\//);
    expect(images.size).toBe(4);
    for (const object of objects) {
      const spec = podTemplateOf(object)?.spec;
      if (spec !== undefined) expect(spec.imagePullSecrets).toEqual([{ name: 'login' }]);
    }
  });

  test('a digest wins over a tag, of a bundled store, too', () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const objects = renderFile('ci/bundled', {
      values: { image: { tag: '9.9.9', digest }, bundled: { valkey: { image: { digest } } } },
    });
    const imageOf = (kind: string, name: string) =>
      podTemplateOf(find(objects, kind, name))?.spec.containers[0]?.image;
    expect(imageOf('Deployment', 'odometer-scheduler')).toBe(
      `ghcr.io/odometer-metering/odometer@${digest}`,
    );
    expect(imageOf('StatefulSet', 'odometer-valkey')).toBe(`docker.io/valkey/valkey@${digest}`);
  });
});
