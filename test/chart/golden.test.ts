import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { identityOf, type KubernetesObject } from './harness/kubernetes-object.ts';
import { renderFile } from './harness/rendered-chart.ts';

const GOLDEN = fileURLToPath(new URL('./golden', import.meta.url));

/** What changes with every release, or every rendering, and what is tested where it is made. */
const LEFT_OUT = /^(helm\.sh\/chart|app\.kubernetes\.io\/version|checksum\/.*)$/;

function settled(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => settled(each));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !LEFT_OUT.test(name))
        .map(([name, each]) => [name, settled(each, name)]),
    );
  }
  if (typeof value !== 'string') return value;
  if (key === 'image') return value.replace(/(\/odometer):[\w.-]+$/, '$1:<appVersion>');
  return value.replace(/-migrate-[0-9a-f]{8}$/, '-migrate-<hash>');
}

function withoutBulk(object: KubernetesObject): KubernetesObject {
  if (object.metadata.name.includes('-dashboard-')) return { ...object, data: {} };
  if (object.kind === 'PrometheusRule') return { ...object, spec: {} };
  if (object.kind === 'Secret') return { ...object, data: {} };
  return object;
}

/** Of what is bundled only the stores: the rest is as in the others. */
function isShown(name: string, { metadata }: KubernetesObject): boolean {
  return name !== 'ci/bundled' || /-(postgres|valkey|mosquitto|bundled)$/.test(metadata.name);
}

// A whole rendering, so that a change of a template shows all it does. Refresh with UPDATE_DOCS=1, and read the difference.
test.each(['ci/minimal', 'ci/full', 'ci/bundled'])('%s makes what it made before', (name) => {
  const objects = renderFile(name)
    .filter((object) => isShown(name, object))
    .map(withoutBulk);
  const text = objects
    .sort((a, b) => (identityOf(a) < identityOf(b) ? -1 : 1))
    .map((object) => stringify(settled(object), { sortMapEntries: true, lineWidth: 0 }))
    .join('---\n');
  const file = join(GOLDEN, `${name.replace('ci/', '')}.yaml`);
  if (process.env.UPDATE_DOCS === '1') {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
});
