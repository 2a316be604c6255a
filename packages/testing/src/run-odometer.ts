import { execFile } from 'node:child_process';
import { programFile } from './program-file.ts';

/** How a run of the `odometer` command ended. */
export interface OdometerRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON; throws when it is none. */
  json(): unknown;
}

/**
 * Runs the `odometer` command (`programFile`) to its end, with these variables in a bare environment, so that nothing of the
 * developer's shell decides a test. A failing command is a result, not an exception.
 */
export async function runOdometer(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<OdometerRun> {
  const main = programFile('odometer', 'packages/cli', env);
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['--enable-source-maps', main, ...args],
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
