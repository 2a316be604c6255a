import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isOdometerError } from '@odometer/domain/errors';
import { readDeclarationFiles } from './read-declarations.ts';
import { readInput } from './read-input.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odometer-apply-'));
});
afterEach(() => rm(folder, { recursive: true }));

const organization = (slug: string) => `kind: Organization\nspec: { slug: ${slug} }\n`;

test('a folder that Kubernetes mounts is read as one, in the order of names', async () => {
  await mkdir(join(folder, '..2026_11_22'));
  await writeFile(join(folder, '..2026_11_22', 'b.yaml'), organization('b'));
  await writeFile(join(folder, '..2026_11_22', 'a.yml'), organization('a'));
  await symlink('..2026_11_22', join(folder, '..data'));
  await symlink('..data/b.yaml', join(folder, 'b.yaml'));
  await symlink('..data/a.yml', join(folder, 'a.yml'));
  await writeFile(join(folder, 'README.md'), 'not read');
  const files = await readInput(folder);
  expect(files.map(({ file }) => file)).toEqual([join(folder, 'a.yml'), join(folder, 'b.yaml')]);
  expect(readDeclarationFiles(folder, files).map(({ label }) => label)).toEqual([
    'Organization a',
    'Organization b',
  ]);
});

test('what is wrong in several files is told together, each with its file', async () => {
  await writeFile(join(folder, 'a.yaml'), organization('acme'));
  await writeFile(join(folder, 'b.yaml'), `${organization('acme')}---\nkind: Nothing\nspec: {}\n`);
  let problems = '';
  try {
    readDeclarationFiles(folder, await readInput(folder));
  } catch (error) {
    if (!isOdometerError(error, 'declaration_invalid')) throw error;
    problems = String(error.params.problems);
  }
  expect(problems).toContain(
    `${join(folder, 'b.yaml')}, line 1: Organization acme is declared twice`,
  );
  expect(problems).toContain(`${join(folder, 'b.yaml')}, line 4: unknown kind "Nothing"`);
});

test('a folder without declarations is refused', async () => {
  await writeFile(join(folder, 'notes.txt'), '');
  await expect(readInput(folder)).rejects.toThrow('no file in it ends in .yaml or .yml');
});
