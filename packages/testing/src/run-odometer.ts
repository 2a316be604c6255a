import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = join(REPOSITORY, 'packages/cli/dist/main.js');

/** How a run of the `odometer` command ended. */
export interface OdometerRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON; throws when it is none. */
  json(): unknown;
}

/**
 * Runs the compiled `odometer` command to its end, with these variables in a bare environment, so that nothing of the
 * developer's shell decides a test. A failing command is a result, not an exception.
 */
export async function runOdometer(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<OdometerRun> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} does not exist: run "pnpm build" first`);
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['--enable-source-maps', MAIN, ...args],
      { env: { PATH: process.env.PATH, ...env }, maxBuffer: 64 * 1_024 * 1_024 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') return reject(error);
        const exitCode = typeof error?.code === 'number' ? error.code : 0;
        resolve({ exitCode, stdout, stderr, json: () => JSON.parse(stdout) });
      },
    );
    child.stdin?.end(input);
  });
}
