import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../chart/harness/kubernetes-object.ts';
import { helmProgram } from '../chart/harness/layer-program.ts';
import { pages } from '../documentation/markdown.ts';
import { commandsIn } from '../documentation/shell-words.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** `helm template …` as docs/install.md has it, before it is piped into kubectl. */
const DOCUMENTED = pages()
  .filter(({ file }) => file === 'docs/install.md')
  .flatMap(({ blocks }) => blocks.flatMap(({ text }) => commandsIn(text)))
  .find(([program, command]) => program === 'helm' && command === 'template');

function render(): string {
  const words = (DOCUMENTED ?? []).map((word) =>
    word === 'values.yaml' ? 'helm/odometer/ci/bundled-values.yaml' : word,
  );
  return execFileSync(
    helmProgram(),
    [...words.slice(1), '--set', 'bundled.existingSecret=store-passwords'],
    { cwd: REPOSITORY, encoding: 'utf8' },
  );
}

test('rendered twice as install.md has it, it is the same, without hooks, tests and passwords', () => {
  const rendered = render();
  expect(render()).toBe(rendered);
  const objects = parseAllDocuments(rendered).map((each) => each.toJS() as KubernetesObject);
  expect(objects.map(({ kind }) => kind)).toContain('Job');
  for (const { kind, metadata } of objects) {
    expect(['Pod', 'Secret']).not.toContain(kind);
    expect(metadata.annotations ?? {}).not.toHaveProperty(['helm.sh/hook']);
  }
});
