import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseDocument } from 'yaml';

// The workflows cannot run here. This holds what can be seen from outside: that they can be read, that what they use is
// pinned, and that what they call exists.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
}
interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const WORKFLOWS = readdirSync(join(REPOSITORY, '.github/workflows')).map(
  (name) => `.github/workflows/${name}`,
);
const FILES = [...WORKFLOWS, '.github/actions/cluster/action.yml'];

function source(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}

function workflow(file: string): Workflow {
  return parseDocument(source(file)).toJS() as Workflow;
}

test.each(FILES)('%s is YAML, each key once', (file) => {
  expect(parseDocument(source(file), { uniqueKeys: true }).errors).toEqual([]);
});

test.each(FILES)(
  'what %s uses is ours, or pinned by its commit, with the version beside it',
  (file) => {
    const uses = [...source(file).matchAll(/uses: (.*)$/gm)].map(([, used = '']) => used);
    expect(uses.length).toBeGreaterThan(0);
    expect(
      uses.filter((used) => !/^(\.\/\.github\/|[\w-]+\/[\w-]+@[0-9a-f]{40} # v?\d)/.test(used)),
    ).toEqual([]);
  },
);

test('one action is of one version everywhere', () => {
  const versions = new Map<string, Set<string>>();
  for (const file of FILES) {
    for (const [, action = '', version = ''] of source(file).matchAll(/uses: ([^@\s]+)@(.*)$/gm)) {
      versions.set(action, (versions.get(action) ?? new Set()).add(version));
    }
  }
  expect([...versions].filter(([, each]) => each.size > 1)).toEqual([]);
});

test.each(FILES)('scripts and targets that %s runs exist', (file) => {
  const text = source(file);
  const scripts = [...text.matchAll(/\bsh ((?:\.?\w+\/)+[\w.-]+)/g)].map(
    ([, script = '']) => script,
  );
  expect(scripts.filter((script) => !existsSync(join(REPOSITORY, script)))).toEqual([]);
  const targets = [...text.matchAll(/\bmake ([\w-]+)/g)].map(([, target = '']) => target);
  const makefile = source('Makefile');
  expect(targets.filter((target) => !makefile.includes(`\n${target}: `))).toEqual([]);
});

describe.each(WORKFLOWS)('%s', (file) => {
  test('may only read, unless a job says what else it needs', () => {
    expect(workflow(file).permissions).toEqual({ contents: 'read' });
  });

  test('has an end for each job, and waits for jobs that exist', () => {
    const { jobs } = workflow(file);
    for (const [name, job] of Object.entries(jobs)) {
      expect({ name, minutes: job['timeout-minutes'] }).toEqual({
        name,
        minutes: expect.any(Number),
      });
      for (const needed of [job.needs ?? []].flat()) expect(Object.keys(jobs)).toContain(needed);
    }
  });

  test('puts nothing that somebody outside chooses into a script', () => {
    const scripts = Object.values(workflow(file).jobs).flatMap(({ steps }) =>
      steps.flatMap(({ run }) => run ?? []),
    );
    expect(
      scripts.filter((run) => /\$\{\{\s*(github\.(event|head_ref)|secrets)/.test(run)),
    ).toEqual([]);
  });
});

test('images of nodes are pinned by digest', () => {
  const images = [...source('.github/workflows/chart.yml').matchAll(/kindest\/node:\S+/g)];
  expect(images.length).toBeGreaterThan(2);
  for (const [image] of images)
    expect(image).toMatch(/^kindest\/node:v[\d.]+@sha256:[0-9a-f]{64}$/);
});

test('the chart is tried with the versions of Kubernetes that its objects are checked against, and both Helms', () => {
  const text = source('.github/workflows/chart.yml');
  const tried = new Set([...text.matchAll(/node:(v\d+\.\d+)/g)].map(([, version]) => version));
  const checked = readdirSync(join(REPOSITORY, 'test/chart/kubernetes')).flatMap((name) =>
    name.startsWith('v') ? [name.replace(/\.json$/, '')] : [],
  );
  expect([...tried].sort()).toEqual(checked.sort());
  expect(text).toMatch(/helm: \[v3\.\d+\.\d+, v4\.\d+\.\d+\]/);
});

test('each values file of ci/ is installed, or at least admitted', () => {
  const text = source('.github/workflows/chart.yml');
  const installed = /values: \[(.*)\]/.exec(text)?.[1]?.split(', ') ?? [];
  const files = readdirSync(join(REPOSITORY, 'helm/odometer/ci')).map((name) =>
    name.replace('-values.yaml', ''),
  );
  expect(files.filter((name) => !installed.includes(name))).toEqual(['full']);
});

test('a release is built on images by digest, and ends where one has none', () => {
  const text = source('.github/workflows/release.yml');
  for (const image of ['build', 'base']) {
    expect(text).toContain(`${image.toUpperCase()}_IMAGE=\${{ steps.bases.outputs.${image} }}`);
    expect(text).toContain(`pin ${image} "$${image.toUpperCase()}"`);
  }
  const step = workflow('.github/workflows/release.yml').jobs.image?.steps.find(
    ({ id }) => id === 'bases',
  );
  const pinned = (digest: string) => runStep(step?.run ?? '', digest);
  const digest = `sha256:${'0'.repeat(64)}`;
  expect(pinned(digest)).toEqual({
    status: 0,
    output: `build=node:24@${digest}\nbase=distroless:nonroot@${digest}\n`,
  });
  for (const wrong of ['', '<no value>', 'sha256:12'])
    expect(pinned(wrong)).toEqual({ status: 1, output: '' });
});

/** Runs a step's script as GitHub does, with a docker that answers with one digest for everything. */
function runStep(script: string, digest: string): { status: number | null; output: string } {
  const directory = mkdtempSync(join(tmpdir(), 'odometer-step-'));
  try {
    writeFileSync(join(directory, 'docker'), `#!/bin/sh\necho '${digest}'\n`, { mode: 0o755 });
    const output = join(directory, 'output');
    writeFileSync(output, '');
    const { status } = spawnSync('bash', ['-e', '-c', script], {
      env: {
        PATH: `${directory}:${process.env.PATH}`,
        BUILD: 'node:24',
        BASE: 'distroless:nonroot',
        GITHUB_OUTPUT: output,
        GITHUB_STEP_SUMMARY: join(directory, 'summary'),
      },
    });
    return { status, output: readFileSync(output, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
