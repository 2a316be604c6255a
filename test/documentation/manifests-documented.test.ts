import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { helmTemplate, type Values } from '../chart/harness/helm.ts';
import type { KubernetesObject } from '../chart/harness/kubernetes-object.ts';
import { valuesFile } from '../chart/harness/rendered-chart.ts';
import { KUBERNETES_VERSIONS, schemaProblems } from '../chart/harness/schemas.ts';
import { pages } from './markdown.ts';

// Files that readers copy: the chart takes the values, Kubernetes the objects. And what test/cluster applies, which nothing
// here could start.

const CLUSTER = fileURLToPath(new URL('../cluster', import.meta.url));

interface Copied {
  readonly where: string;
  readonly content: Readonly<Record<string, unknown>>;
}

const COPIED = pages()
  .filter(({ file }) => /^docs\/(install|operations|upgrading)/.test(file))
  .flatMap(({ file, blocks }) =>
    blocks
      .filter(({ language }) => language === 'yaml')
      .flatMap(({ text, line }) => documentsOf(`${file}:${line}`, text)),
  );
const APPLIED = readdirSync(CLUSTER)
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((name) => documentsOf(name, readFileSync(join(CLUSTER, name), 'utf8')));

function documentsOf(where: string, text: string): readonly Copied[] {
  // As Kubernetes and Helm read it: 0640 is a number of base 8.
  return parseAllDocuments(text, { version: '1.1', uniqueKeys: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return { where, content: document.toJS() as Copied['content'] };
  });
}

const isObject = ({ content }: Copied) => 'apiVersion' in content;

test.each([...COPIED, ...APPLIED].filter(isObject))(
  '$where: Kubernetes takes it',
  ({ content }) => {
    const object = content as unknown as KubernetesObject;
    for (const version of KUBERNETES_VERSIONS) expect(schemaProblems(object, version)).toEqual([]);
  },
);

test.each(COPIED.filter((copied) => !isObject(copied)))(
  '$where: the chart takes it',
  ({ content }) => {
    const { ok, stderr } = helmTemplate({
      files: [valuesFile('ci/minimal').path],
      values: content as Values,
    });
    expect({ ok, stderr }).toMatchObject({ ok: true });
  },
);

test.each([
  ['ci/minimal', 'minimal-stores.yaml'],
  ['ci/existing-secrets', 'existing-secrets-stores.yaml'],
  ['ci/bundled', 'three-counters-values.yaml'],
])('%s with %s: the chart takes it', (name, beside) => {
  const { ok, stderr } = helmTemplate({ files: [valuesFile(name).path, join(CLUSTER, beside)] });
  expect({ ok, stderr }).toMatchObject({ ok: true });
});
