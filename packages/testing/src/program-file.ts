import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUNDLE_VARIABLE } from './jest/bundle-variable.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * The file that a program starts with. A run of jest bundles the sources, as the image has them: tests start a thousand processes,
 * and a bundle is there in half the time. Outside of one, and where a bug is planted into a compiled file, it is `dist/main.js`.
 *
 * @param directory of its package in the repository
 * @param env what the process will have
 */
export function programFile(
  name: string,
  directory: string,
  env: Readonly<Record<string, string>>,
): string {
  const bundle = process.env[BUNDLE_VARIABLE];
  if (bundle !== undefined && env.PLANTED_BUG_SOURCES === undefined) {
    return join(bundle, `${name}.mjs`);
  }
  const main = join(REPOSITORY, directory, 'dist', 'main.js');
  if (!existsSync(main)) throw new Error(`${main} does not exist: run "pnpm build" first`);
  return main;
}
