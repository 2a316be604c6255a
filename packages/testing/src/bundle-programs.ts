import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnTypescript } from './spawn-typescript.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** As far from here when this is compiled. */
const BUNDLER = new URL('../../../docker/src/main.ts', import.meta.url);

/** Bundles every program from the sources, as the image has them. @returns where `<program>.mjs` are. */
export async function bundlePrograms(): Promise<string> {
  const directory = join(temporaryDirectory('bundle'), 'app');
  const bundler = spawnTypescript(BUNDLER, [directory]);
  bundler.stdout?.pipe(process.stderr);
  const [code] = await once(bundler, 'exit');
  if (code !== 0) throw new Error(`${fileURLToPath(BUNDLER)} has ended with code ${code}`);
  return directory;
}
