import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnTypescript } from './spawn-typescript.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { watchDirectory } from './watchdog.ts';

/** As far from here when this is compiled. */
const REPOSITORY = new URL('../../../', import.meta.url);

/** Bundles every program from the sources, as the image has them. @returns where `<program>.mjs` are. */
export async function bundlePrograms(): Promise<string> {
  const directory = join(temporaryDirectory('bundle'), 'app');
  await bundle('docker/src/main.ts', [directory]);
  return directory;
}

/**
 * Bundles a program of a test, which is started dozens of times, as the programs of the image are: it is there in half the time.
 *
 * @returns its file, below the `dist` of its package, so that it finds what cannot be bundled.
 */
export async function bundleFixture(program: URL): Promise<string> {
  const file = relative(fileURLToPath(REPOSITORY), fileURLToPath(program));
  const [packageDirectory = ''] = file.split('/src/');
  const directory = mkdtempSync(
    fileURLToPath(new URL(`${packageDirectory}/dist/fixture-`, REPOSITORY)),
  );
  watchDirectory(directory);
  await bundle('docker/src/fixture.ts', [file, directory]);
  return join(directory, 'fixture.mjs');
}

async function bundle(script: string, args: readonly string[]): Promise<void> {
  const bundler = spawnTypescript(new URL(script, REPOSITORY), args);
  bundler.stdout?.pipe(process.stderr);
  const [code] = await once(bundler, 'exit');
  if (code !== 0) throw new Error(`${script} has ended with code ${code}`);
}
