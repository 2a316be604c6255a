/**
 * Bundles every program into a directory that needs nothing but Node: `node docker/src/main.ts DIRECTORY` (Node ≥ 24).
 * The same sources make the same bytes, but for `node_modules`, which belongs to a processor.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePrograms } from './bundle-programs.ts';
import {
  bundledPackages,
  inOrder,
  renderBillOfMaterials,
  renderLicenses,
} from './bundled-packages.ts';
import { copyNative } from './copy-native.ts';
import { copyResources } from './copy-resources.ts';
import { PROGRAMS } from './programs.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const argument = process.argv[2];
if (argument === undefined) throw new Error('usage: main.ts DIRECTORY');
const out = resolve(argument);
// What an earlier version left would stay, and be shipped.
if (existsSync(out)) throw new Error(`${out} exists already`);
const bundle = await bundlePrograms(REPOSITORY, out, PROGRAMS);
const version = copyResources(REPOSITORY, out, bundle);
const native = copyNative(REPOSITORY, out);
const packages = inOrder([...bundledPackages(REPOSITORY, bundle), ...native]);
writeFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), renderLicenses(packages));
writeFileSync(join(out, 'sbom.cdx.json'), renderBillOfMaterials(version, packages));
