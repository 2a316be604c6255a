import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { StackError } from './stack-error.ts';

/** Daemons that Debian installs in /usr/sbin are not on an ordinary user's PATH; brew's prefix may be missing from it too. */
const SYSTEM_DIRECTORIES = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];

/** Partitioned upserts and `security_invoker` views of the schema need 15. */
const OLDEST_POSTGRES_MAJOR = 15;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function subdirectories(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/**
 * The full path of a program, looked for on PATH and where systems put daemons.
 * @throws StackError when it is nowhere.
 */
export function findProgram(name: string): string {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRECTORIES];
  for (const directory of directories) {
    const path = join(directory, name);
    if (directory !== '' && isProgram(path)) return path;
  }
  throw new StackError(
    `${name} is not installed: run "make up", which installs it, or install it yourself`,
  );
}

/** Where packages keep the servers of one Postgres version: Debian, Red Hat, brew on ARM and on Intel. */
function postgresDirectories(): readonly { readonly major: number; readonly directory: string }[] {
  const found: { major: number; directory: string }[] = [];
  const look = (parent: string, pattern: RegExp) => {
    for (const entry of subdirectories(parent)) {
      const major = pattern.exec(entry)?.[1];
      const directory = join(parent, entry, 'bin');
      if (
        major !== undefined &&
        isProgram(join(directory, 'postgres')) &&
        isProgram(join(directory, 'initdb'))
      ) {
        found.push({ major: Number(major), directory });
      }
    }
  };
  look('/usr/lib/postgresql', /^(\d+)$/);
  look('/usr', /^pgsql-(\d+)$/);
  look('/opt/homebrew/opt', /^postgresql@(\d+)$/);
  look('/usr/local/opt', /^postgresql@(\d+)$/);
  return found.sort((a, b) => b.major - a.major);
}

/**
 * The directory that holds `postgres` and `initdb`: of the given major version when a cluster exists
 * already (no other version can open it), else the newest installed.
 * @throws StackError when no version that serves is installed.
 */
export function findPostgresDirectory(clusterMajor?: number): string {
  const installed = postgresDirectories();
  if (clusterMajor !== undefined) {
    const match = installed.find(({ major }) => major === clusterMajor);
    if (match !== undefined) return match.directory;
    throw new StackError(
      `The local data was made by PostgreSQL ${clusterMajor}, which is not installed: install it, or remove the data with "make reset"`,
    );
  }
  const newest = installed[0];
  if (newest === undefined) {
    throw new StackError(
      'PostgreSQL is not installed: run "make up", which installs it, or install it yourself',
    );
  }
  if (newest.major < OLDEST_POSTGRES_MAJOR) {
    throw new StackError(
      `PostgreSQL ${newest.major} is installed, but Odometer needs ${OLDEST_POSTGRES_MAJOR} or newer`,
    );
  }
  return newest.directory;
}
