import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { inheritedEnv } from './parts.ts';
import { logFile, programOf, type Settings } from './settings.ts';
import { StackError } from './stack-error.ts';

/**
 * Runs `odometer ARGS` to its end and returns what it printed.
 * @throws StackError with the last line of its errors when it fails; all of them are in cli.log.
 */
export function runOdometer(
  settings: Settings,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): string {
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    ['--enable-source-maps', programOf(settings, 'packages/cli'), ...args],
    { encoding: 'utf8', cwd: settings.repository, env: { ...inheritedEnv(process.env), ...env } },
  );
  if (stderr) appendFileSync(logFile(settings, 'cli'), stderr, { mode: 0o600 });
  if (status !== 0) {
    const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
    throw new StackError(`odometer ${args.slice(0, 2).join(' ')} failed: ${reason}`);
  }
  return stdout;
}
