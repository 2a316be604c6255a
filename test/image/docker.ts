import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';

const execute = promisify(execFile);

/** What Kubernetes and compose grant a container of ours: the least, and nothing to write but /tmp. */
const RESTRICTED = [
  '--read-only',
  ...['--tmpfs', '/tmp'],
  ...['--cap-drop', 'ALL'],
  ...['--security-opt', 'no-new-privileges'],
  // The servers of a test listen on loopback.
  ...['--network', 'host'],
];

/** @returns what the docker command printed. @throws Error with its output when it fails */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('docker', args, { maxBuffer: 64 * 1_024 * 1_024 });
  return stdout;
}

/** Runs a program of an image to its end, confined. @returns what it printed */
export function runOnce(
  image: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return docker('run', '--rm', ...RESTRICTED, ...asOptions(env), image, ...args);
}

/** A running container. */
export interface Container {
  readonly name: string;
  /** SIGTERM, and SIGKILL after half a minute. @returns its exit code: 137 when it had to be killed */
  stop(): Promise<number>;
  log(): Promise<string>;
  /** Removes it, whatever it does. */
  remove(): Promise<void>;
}

/** Starts a program of an image, confined. */
export async function startContainer(
  image: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Container> {
  const name = `odometer-check-${randomBytes(6).toString('hex')}`;
  await docker('run', '--detach', '--name', name, ...RESTRICTED, ...asOptions(env), image, ...args);
  return {
    name,
    async stop() {
      await docker('stop', '--time', '30', name);
      return Number(await docker('inspect', '--format', '{{.State.ExitCode}}', name));
    },
    log: async () => {
      const { stdout, stderr } = await execute('docker', ['logs', name]);
      return stdout + stderr;
    },
    remove: async () => {
      await docker('rm', '--force', name);
    },
  };
}

function asOptions(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
}

/** The bytes of an image as a registry keeps it, to one or two percent: `docker save | gzip`. */
export async function compressedSizeBytes(image: string): Promise<number> {
  const save = spawn('docker', ['save', image], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => save.once('exit', resolve));
  let sizeBytes = 0;
  for await (const chunk of save.stdout.pipe(createGzip())) sizeBytes += chunk.length;
  if ((await ended) !== 0) throw new Error(`docker save ${image} failed`);
  return sizeBytes;
}
