import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Metafile } from 'esbuild';

/** A package of others of which something is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, such as `MIT`. */
  readonly license: string;
  /** What its licence files say; most licences ask that copies carry it. */
  readonly licenseText: string;
}

/** The packages of which the bundle holds anything, by name and version. @throws Error when one does not say its licence */
export function bundledPackages(
  repository: string,
  { inputs }: Metafile,
): readonly BundledPackage[] {
  const directories = new Set<string>();
  for (const input of Object.keys(inputs)) {
    if (input.includes('node_modules/')) directories.add(packageDirectory(join(repository, input)));
  }
  return inOrder([...directories].map(readPackage));
}

export function inOrder(packages: readonly BundledPackage[]): readonly BundledPackage[] {
  return packages.toSorted((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

/** `…/node_modules/name/package.json` is a package's; those below it only say how files are to be read. */
function packageDirectory(file: string): string {
  const start = file.lastIndexOf('node_modules/') + 'node_modules/'.length;
  const segments = file.slice(start).split('/');
  return file.slice(0, start) + segments.slice(0, segments[0]?.startsWith('@') ? 2 : 1).join('/');
}

/** @throws Error when it does not say its licence */
export function readPackage(directory: string): BundledPackage {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: unknown;
  };
  const { name, version, license } = manifest;
  if (typeof license !== 'string') {
    throw new Error(`${name} ${version} names no licence: ${dirname(directory)}`);
  }
  const licenseText = readdirSync(directory)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort(compare)
    .map((file) => readFileSync(join(directory, file), 'utf8').trim())
    .join('\n\n');
  return { name, version, license, licenseText };
}

/** Not localeCompare: the same bytes on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** THIRD-PARTY-LICENSES.txt of the image. */
export function renderLicenses(packages: readonly BundledPackage[]): string {
  const sections = packages.map(({ name, version, license, licenseText }) =>
    [`${name} ${version} (${license})`, licenseText].filter((part) => part !== '').join('\n\n'),
  );
  return `${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** A CycloneDX bill of materials: a scanner of images sees no packages in a bundle, but reads this. */
export function renderBillOfMaterials(
  version: string,
  packages: readonly BundledPackage[],
): string {
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', name: 'odometer', version } },
    components: packages.map(({ name, version: packageVersion, license }) => ({
      type: 'library',
      name,
      version: packageVersion,
      purl: `pkg:npm/${name.replace('@', '%40')}@${packageVersion}`,
      licenses: [{ expression: license }],
    })),
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}
