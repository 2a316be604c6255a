import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const CONFIG = '.dependency-cruiser.cjs';
const PACKAGES = ['cli', 'database', 'domain', 'local-stack', 'queues', 'service-kit', 'testing'];

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

const PLANTED: readonly (readonly [path: string, rule: string, source: string])[] = [
  ['packages/domain/src/a.ts', 'domain-imports-nothing', "import '@odometer/database/ok';"],
  [
    'packages/database/src/a.ts',
    'database-imports-domain',
    "import type { A } from '@odometer/queues/ok'; export const a: A = 1;",
  ],
  ['packages/queues/src/a.ts', 'queues-imports-domain', "import '../../service-kit/src/ok.ts';"],
  ['packages/service-kit/src/a.ts', 'service-kit-imports-domain', "import '@odometer/queues/ok';"],
  [
    'packages/cli/src/a.ts',
    'cli-imports-the-layers-below',
    "import '../../../services/two/src/ok.ts';",
  ],
  [
    'packages/local-stack/src/a.ts',
    'local-stack-imports-domain',
    "import '@odometer/database/ok';",
  ],
  ['packages/testing/src/a.ts', 'testing-imports-what-it-starts', "import '@odometer/queues/ok';"],
  ['services/one/src/a.ts', 'services-import-packages-only', "import '../../two/src/ok.ts';"],
  ['services/one/src/b.ts', 'services-import-packages-only', "import '@odometer/testing/ok';"],
  ['services/one/src/c.ts', 'services-import-packages-only', "await import('@odometer/cli/ok');"],
  [
    'services/one/src/d.test.ts',
    'tests-import-no-foreign-service',
    "import '../../two/src/ok.ts';",
  ],
  ['packages/domain/src/cycle.ts', 'no-cycles', "import './other.ts';"],
  ['services/one/src/e.ts', 'nothing-unresolvable', "import './nowhere.ts';"],
  ['services/one/src/f.ts', 'no-production-import-of-a-test', "import './ok.test.ts';"],
];

const INNOCENT: readonly (readonly [path: string, source: string])[] = [
  ...PACKAGES.map((name) => [`packages/${name}/src/ok.ts`, 'export type A = 1;'] as const),
  [
    'services/two/src/ok.ts',
    "import '@odometer/domain/ok'; import '@odometer/database/ok'; import '@odometer/queues/ok';",
  ],
  ['services/one/src/ok.test.ts', "import '@odometer/testing/ok'; import './a.ts';"],
  ['packages/database/src/ok.test.ts', "import '@odometer/testing/ok';"],
  ['packages/cli/src/g.ts', "import '@odometer/queues/ok'; import '@odometer/service-kit/ok';"],
];

// It reads the whole tree, which takes a while on a machine that is busy with other tests.
jest.setTimeout(120_000);

function cruise(directory: string): Promise<Cruise['summary']> {
  const bin = join(REPOSITORY, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = ['--config', CONFIG, '--output-type', 'json', 'packages', 'services', 'test'];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [bin, ...args],
      { cwd: directory, maxBuffer: 256 * 1_024 * 1_024 },
      (_error, stdout, stderr) => {
        try {
          resolve((JSON.parse(stdout) as Cruise).summary);
        } catch {
          reject(new Error(`dependency-cruiser printed no JSON: ${stderr}`));
        }
      },
    );
  });
}

test('the tree follows the arrow, and the tool has seen it', async () => {
  const { violations, totalCruised } = await cruise(REPOSITORY);
  expect(violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
  // The default parser sees none and is green.
  expect(totalCruised).toBeGreaterThan(50);
});

describe('a planted violation', () => {
  let directory: string;
  let found: readonly string[];
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'odometer-arrow-'));
    cpSync(join(REPOSITORY, CONFIG), join(directory, CONFIG));
    for (const name of PACKAGES) {
      const manifest = `packages/${name}/package.json`;
      plant(manifest, '');
      cpSync(join(REPOSITORY, manifest), join(directory, manifest));
      const link = join(directory, 'node_modules/@odometer', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(directory, 'packages', name), link);
    }
    for (const [path, , source] of PLANTED) plant(path, source);
    plant('test/ok.ts', "import '@odometer/testing/ok';");
    plant('packages/domain/src/other.ts', "import './cycle.ts';");
    for (const [path, source] of INNOCENT) plant(path, source);
    const { violations } = await cruise(directory);
    found = violations.map(({ rule, from }) => `${rule.name}: ${from}`);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function plant(path: string, source: string): void {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
  }

  test.each(PLANTED)('in %s breaks %s', (path, rule) => {
    expect(found).toContain(`${rule}: ${path}`);
  });

  test.each(INNOCENT.map(([path]) => path))('is not seen in %s, where there is none', (path) => {
    expect(found.filter((violation) => violation.endsWith(`: ${path}`))).toEqual([]);
  });
});
