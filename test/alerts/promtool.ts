import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findProgram } from '@odometer/local-stack/find-program';

/** Where "make test" puts it. */
const OWN = fileURLToPath(new URL('../../.odometer/tools/bin/promtool', import.meta.url));

/**
 * Runs promtool. A failing run is a result, not an exception.
 *
 * @throws Error with what to do, when there is none.
 */
export function promtool(...args: readonly string[]): {
  readonly ok: boolean;
  readonly output: string;
} {
  const { status, stdout, stderr, error } = spawnSync(program(), args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

function program(): string {
  if (existsSync(OWN)) return OWN;
  try {
    return findProgram('promtool');
  } catch (error) {
    throw new Error(
      'promtool is not installed, and the alerts are tried with it: "make test" brings it with apt or brew; elsewhere put it on the PATH, it comes with every release of Prometheus',
      { cause: error },
    );
  }
}
