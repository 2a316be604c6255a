import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, jest, test } from '@jest/globals';
import { type Container, containersOf, podTemplateOf } from './harness/kubernetes-object.ts';
import { find, renderFile } from './harness/rendered-chart.ts';

// Each run is a process that starts, on a machine that is busy with other tests.
jest.setTimeout(120_000);

const run = promisify(execFile);

const COMPONENTS: readonly (readonly [string, string, string])[] = [
  ['ingest-api', 'Deployment', 'ingest-api'],
  ['stats-api', 'Deployment', 'stats-api'],
  ['s3-usage-watcher', 'Deployment', 's3-usage-watcher'],
  ['mqtt-counter', 'StatefulSet', 'mqtt-counter'],
  ['iot-counter', 'Deployment', 'mqtt-counter'],
  ['scheduler', 'Deployment', 'scheduler'],
  ['counting-worker', 'Deployment', 'stats-worker'],
  ['measuring-worker', 'Deployment', 'stats-worker'],
];

/** What Kubernetes makes of a container's environment; every secret holds what is awkward in a URL. */
function environmentOf({ env = [] }: Container, pod: string): NodeJS.ProcessEnv {
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }) => [
      name,
      valueFrom?.fieldRef === undefined ? (value ?? 'p@ss/w:o?r#d%') : pod,
    ]),
  );
}

// ci/full has everything there is. What other values make of it, environment.test.ts looks at without starting processes.
test.each(COMPONENTS)('%s takes its environment for valid', async (component, kind, program) => {
  const main = fileURLToPath(new URL(`../../services/${program}/dist/main.js`, import.meta.url));
  if (!existsSync(main)) throw new Error(`${main} does not exist: run "pnpm build" first`);
  const template = podTemplateOf(find(renderFile('ci/full'), kind, `odometer-${component}`));
  const container = template === undefined ? undefined : containersOf(template).at(-1);
  const own = template?.spec.containers.find(({ name }) => name === component) ?? container;
  if (own === undefined) throw new Error(`${component} has no container`);
  expect(own.args).toEqual([`/app/${program}.mjs`]);
  const env = environmentOf(own, `odometer-${component}-2`);
  // A file of this machine, so that Node does not warn of one that is missing.
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = env;
  const { stdout } = await run(process.execPath, [main, '--validate'], {
    env: { PATH: process.env.PATH, ...rest },
  });
  expect(stdout).toBe('configuration is valid\n');
});
