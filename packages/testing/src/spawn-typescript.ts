import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { watchProcess } from './watchdog.ts';

/** Beside the sources, whether this runs from them or compiled. */
const LOADER = new URL('../src/typescript-loader.mjs', import.meta.url);

/** Registers the loader before the program's first import. */
const REGISTER = `data:text/javascript,import{register}from'node:module';register(${JSON.stringify(LOADER.href)})`;

/**
 * Runs a TypeScript file of a test as a process of its own, from the sources, so that it can be killed for real.
 * Its output is piped; it is killed when the test process ends.
 *
 * @param options.hook a module that registers a loader of its own, which is asked before the one for TypeScript.
 * @param options.env what the process has in its environment besides the path.
 */
export function spawnTypescript(
  program: URL,
  args: readonly string[],
  { hook, env = {} }: { readonly hook?: URL; readonly env?: Readonly<Record<string, string>> } = {},
): ChildProcess {
  const options = ['--conditions=odometer-source', '--no-warnings', '--import', REGISTER];
  if (hook !== undefined) options.push('--import', hook.href);
  const child = spawn(process.execPath, [...options, fileURLToPath(program), ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.pid !== undefined) {
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    watchProcess(child.pid, exited);
  }
  return child;
}
