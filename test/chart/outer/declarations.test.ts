import { expect, test } from '@jest/globals';
import { readDeclarations } from '@odometer/cli/apply/read-declarations';
import { find, renderFile } from '../harness/rendered-chart.ts';

test('what values declare reaches the command as it is, and the command can read it', () => {
  const { data = {} } = find(renderFile('ci/full'), 'ConfigMap', 'odometer-declarations');
  expect(Object.keys(data)).toEqual(['acme.yaml']);
  const declarations = readDeclarations('acme.yaml', data['acme.yaml'] ?? '');
  expect(declarations.map(({ label }) => label)).toEqual(['Organization acme', 'Project acme/one']);
});
