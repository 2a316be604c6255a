import { cpSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type BundledPackage, readPackage } from './bundled-packages.ts';

/**
 * What cannot be bundled, by the package that asks for it. DuckDB is native code of one processor: of its bindings those are
 * here that were installed, which are those of the machine that builds.
 */
const NATIVE: Readonly<Record<string, string>> = {
  '@duckdb/node-api': 'services/stats-worker',
};

/**
 * Puts packages that are not bundled into `node_modules` beside the programs, with all that they need, each once.
 *
 * @returns them.
 * @throws Error when one is not installed, or two versions of one are needed.
 */
export function copyNative(repository: string, out: string): readonly BundledPackage[] {
  const copied = new Map<string, string>();
  const add = (name: string, from: string, isOptional: boolean) => {
    const directory = findPackage(name, from);
    if (directory === undefined) {
      if (isOptional) return;
      throw new Error(`${name}, which ${from} needs, is not installed`);
    }
    const before = copied.get(name);
    if (before === directory) return;
    if (before !== undefined) throw new Error(`two versions of ${name} are needed`);
    copied.set(name, directory);
    cpSync(directory, join(out, 'node_modules', name), {
      recursive: true,
      // Its own, if it has any, are found by the walk.
      filter: (file) => !/\/node_modules$|\.d\.[cm]?ts$|\.map$/.test(file.slice(directory.length)),
    });
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(directory, 'package.json'), 'utf8'),
    ) as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
    for (const needed of Object.keys(dependencies ?? {})) add(needed, directory, false);
    for (const needed of Object.keys(optionalDependencies ?? {})) add(needed, directory, true);
  };
  for (const [name, asker] of Object.entries(NATIVE)) add(name, join(repository, asker), false);
  return [...copied.values()].map(readPackage);
}

function findPackage(name: string, from: string): string | undefined {
  try {
    return dirname(createRequire(join(from, 'package.json')).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}
