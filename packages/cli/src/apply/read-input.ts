import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import type { DeclarationFile } from './read-declarations.ts';

/**
 * Reads what `odometer apply` is given: a file, a folder's YAML files by name (as a ConfigMap is mounted, whose own
 * bookkeeping begins with a dot), or standard input.
 *
 * @throws Error when there is nothing to read.
 */
export async function readInput(filename: string): Promise<readonly DeclarationFile[]> {
  if (filename === '-') return [{ file: filename, text: await readStream(process.stdin) }];
  if (!(await stat(filename)).isDirectory()) return [await read(filename)];
  const names = (await readdir(filename)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
  if (names.length === 0) throw new Error('no file in it ends in .yaml or .yml');
  return Promise.all(names.map((name) => read(join(filename, name))));
}

async function read(file: string): Promise<DeclarationFile> {
  return { file, text: await readFile(file, 'utf8') };
}
