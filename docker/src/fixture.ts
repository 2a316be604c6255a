/** Bundles a program of a test, as those of the image are: `node docker/src/fixture.ts FILE DIRECTORY`, both in the repository. */
import { fileURLToPath } from 'node:url';
import { bundlePrograms } from './bundle-programs.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const [file, directory] = process.argv.slice(2);
if (file === undefined || directory === undefined)
  throw new Error('usage: fixture.ts FILE DIRECTORY');
await bundlePrograms(REPOSITORY, directory, { fixture: file });
