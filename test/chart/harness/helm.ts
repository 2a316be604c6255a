import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { helmProgram } from './layer-program.ts';

export const CHART = fileURLToPath(new URL('../../../helm/odometer', import.meta.url));

/** Values as in a values file. */
export type Values = Readonly<Record<string, unknown>>;

export interface HelmOptions {
  readonly release?: string;
  readonly namespace?: string;
  /** Values files, a path each; the later one wins. */
  readonly files?: readonly string[];
  /** Values that win over all files. */
  readonly values?: Values;
  /** Another one makes another rendering of the same values. */
  readonly attempt?: string;
}

export interface HelmRun {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** `helm template` as somebody runs it who has never been near a cluster. A failing run is a result, not an exception. */
export function helmTemplate(options: HelmOptions): HelmRun {
  const { release = 'odometer', namespace = 'metering' } = options;
  return run(['template', release, CHART, '--namespace', namespace], options);
}

/** What `helm install` would tell after an installation. */
export function helmNotes(options: HelmOptions): HelmRun {
  const { release = 'odometer', namespace = 'metering' } = options;
  const { stdout, ...rest } = run(
    ['install', release, CHART, '--dry-run=client', '--namespace', namespace],
    options,
  );
  return { ...rest, stdout: stdout.slice(stdout.lastIndexOf('\nNOTES:\n')) };
}

export function helmLint(options: HelmOptions): HelmRun {
  return run(['lint', CHART, '--strict', '--namespace', 'metering'], options);
}

function run(args: readonly string[], { files = [], values }: HelmOptions): HelmRun {
  const directory = mkdtempSync(join(tmpdir(), 'odometer-helm-'));
  try {
    const all = [...files];
    if (values !== undefined) {
      const own = join(directory, 'values.yaml');
      writeFileSync(own, stringify(values));
      all.push(own);
    }
    const valuesArgs = all.flatMap((file) => ['--values', file]);
    const { status, stdout, stderr, error } = spawnSync(helmProgram(), [...args, ...valuesArgs], {
      encoding: 'utf8',
      maxBuffer: 64 * 1_024 * 1_024,
      // Nothing of the developer's: no cluster, no plugins, no cache.
      env: { PATH: process.env.PATH, HOME: directory, KUBECONFIG: join(directory, 'none') },
    });
    if (error !== undefined) throw error;
    return { ok: status === 0, stdout, stderr };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
