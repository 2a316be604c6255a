import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** What the programs read at run time, by its path in the repository and in the bundle. */
const RESOURCES: Readonly<Record<string, string>> = {
  'packages/database/migrations': 'migrations',
  LICENSE: 'LICENSE',
};

/** How a file of ours names what lies beside its package's `dist`. */
const BESIDE = /new URL\('\.\.\/([^']+)', import\.meta\.url\)/g;

/**
 * Puts beside the programs what they read at run time.
 *
 * @returns the version of this build.
 * @throws Error when a file of ours looks for something that would not be there: it would be found missing in production.
 */
export function copyResources(repository: string, out: string, { inputs }: Metafile): string {
  for (const [from, to] of Object.entries(RESOURCES)) {
    cpSync(join(repository, from), join(out, to), { recursive: true });
  }
  const manifest: unknown = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  const { name, version, license, type } = manifest as Record<string, string>;
  if (version === undefined) throw new Error('package.json has no version');
  writeFileSync(
    join(out, 'package.json'),
    `${JSON.stringify({ name, version, private: true, license, type }, undefined, 2)}\n`,
  );
  for (const input of Object.keys(inputs)) {
    if (input.includes('node_modules/') || !input.endsWith('.ts')) continue;
    checkReferences(input, readFileSync(join(repository, input), 'utf8'), out);
  }
  return version;
}

function checkReferences(file: string, source: string, out: string): void {
  const found = [...source.matchAll(BESIDE)].map(([, path]) => path ?? '');
  const all = source.split('import.meta.url').length - 1;
  if (all > found.length) {
    throw new Error(
      `${file} uses import.meta.url in a way that a bundle does not understand; write new URL('../…', import.meta.url)`,
    );
  }
  for (const path of found) {
    if (!existsSync(join(out, path))) {
      throw new Error(
        `${file} looks for ../${path}, which the bundle does not have: add it to RESOURCES`,
      );
    }
  }
}
