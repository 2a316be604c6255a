import type { BigIntStats, Dirent } from 'node:fs';
import { access, constants, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type LogSource, pathsOfWindow } from '@odometer/domain/posthoc/log-source';
import { pathMatcher } from '@odometer/domain/posthoc/path-pattern';
import {
  type FoundFile,
  foundFile,
  identityOf,
  requireSameFile,
  statOf,
  unavailable,
} from './same-files.ts';
import { localName } from './work-directory.ts';

/** Files in which a window's lines may be. */
export interface LogFiles {
  /** Whole paths, as DuckDB is given them: in order, each once, with no character that it would take for a wildcard. */
  readonly paths: readonly string[];
  readonly bytes: bigint;
  /** What a file is called where the logs are, for whoever reads an error about it. */
  readonly nameOf: (path: string) => string | undefined;
  /** As it was found: another one when the file is another one, or is written to. */
  readonly identityOf: (path: string) => string;
  /** Demands that what was read is what was found. @throws OdometerError `target_unavailable` */
  readonly requireSame: (signal: AbortSignal) => Promise<void>;
}

/** Made on volumes by their file system, for its administrator only. */
const NO_LOGS = 'lost+found';

/**
 * The files of the worker's directory in which a window's lines may be, as links in `links`. None is an answer, too: there may
 * have been no requests. But the directories that are in the path of every window have to be there, and none that is there may be
 * unreadable: a volume that is not mounted looks like a window without usage.
 *
 * Files without bytes are left out, because they have no lines, and are neither gzip nor Parquet.
 *
 * @throws OdometerError `target_unavailable`
 */
export async function findFiles(
  directory: string,
  source: Pick<LogSource, 'path' | 'lateHours' | 'format'>,
  window: { readonly startMs: number; readonly endMs: number },
  links: string,
  signal: AbortSignal,
): Promise<LogFiles> {
  await requireDirectory(join(directory, fixedPart(source.path)));
  const paths = pathsOfWindow(source, window.startMs, window.endMs);
  const listed = await listTwice(() => listFiles(directory, paths, signal), directory);
  const found = new Map<string, FoundFile>();
  const names = new Map<string, string>();
  let bytes = 0n;
  for (const [file, stats] of listed) {
    signal.throwIfAborted();
    const link = join(links, localName(file, names.size));
    await symlink(file, link);
    names.set(link, file);
    const mayGrow = source.format.type !== 'parquet' && !file.endsWith('.gz');
    found.set(file, await foundFile(file, stats, mayGrow));
    bytes += stats.size;
  }
  const nameOf = (path: string) => names.get(path);
  const statsOf = (path: string) => listed.get(nameOf(path) ?? '');
  return {
    paths: [...names.keys()],
    bytes,
    nameOf,
    identityOf: (path) => {
      const stats = statsOf(path);
      return stats === undefined ? path : identityOf(stats);
    },
    requireSame: async (stop) => {
      for (const [file, before] of found) {
        stop.throwIfAborted();
        await requireSameFile(file, before);
      }
    },
  };
}

type Files = ReadonlyMap<string, BigIntStats>;

interface Listing {
  /** In the order of their names. */
  readonly files: Files;
  /** Why some file cannot be looked at that was listed. */
  readonly gone: unknown;
}

async function listFiles(
  directory: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Listing> {
  const found = new Set<string>();
  for (const path of paths) {
    for await (const file of filesBelow(directory, path.split('/'), signal)) found.add(file);
  }
  const files = new Map<string, BigIntStats>();
  let gone: unknown;
  for (const file of [...found].sort()) {
    signal.throwIfAborted();
    try {
      const stats = await statOf(file);
      if (stats.isFile() && stats.size > 0n) files.set(file, stats);
    } catch (error) {
      gone = error;
    }
  }
  return { files, gone };
}

/** Where files come every moment, two listings are never the same. */
const MAX_LISTINGS = 5;

/**
 * Lists until it says the same twice. Names are listed before files are looked at, and when some are rotated in between, one is gone,
 * or has a name by then that was not listed. New files alone are no reason not to ask: in the end they come with a later revision.
 *
 * @throws OdometerError `target_unavailable`
 */
async function listTwice(list: () => Promise<Listing>, directory: string): Promise<Files> {
  let before = await list();
  for (let listings = 2; ; listings += 1) {
    const now = await list();
    const isKept = [...before.files].every(([file, { dev, ino }]) => {
      const again = now.files.get(file);
      return again?.dev === dev && again.ino === ino;
    });
    const isLast = listings >= MAX_LISTINGS;
    const isSame = now.files.size === before.files.size;
    if (now.gone === undefined && isKept && (isSame || isLast)) return now.files;
    if (isLast) {
      if (now.gone !== undefined) throw now.gone;
      const reason = 'files are renamed or removed while they are listed';
      throw unavailable(`directory ${directory}`, new Error(reason));
    }
    before = now;
  }
}

/** The directories of a path that are the same for every window. */
function fixedPart(path: string): string {
  const directories = path.split('/').slice(0, -1);
  const open = directories.findIndex((part) => /[*?{]/.test(part));
  return directories.slice(0, open === -1 ? undefined : open).join('/');
}

async function requireDirectory(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.X_OK);
    if (!(await stat(path)).isDirectory()) throw new Error('it is no directory');
  } catch (error) {
    throw unavailable(`directory ${path}`, error);
  }
}

/** Files whose path matches a pattern, taken apart at its slashes; some of them perhaps twice. */
async function* filesBelow(
  directory: string,
  [part = '', ...others]: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string> {
  const isLast = others.length === 0;
  if (!isLast && !/[*?]/.test(part)) {
    yield* filesBelow(join(directory, part), others, signal);
    return;
  }
  signal.throwIfAborted();
  const entries = await entriesOf(directory);
  if (part === '**') {
    const rest = isLast ? ['*'] : others;
    yield* filesBelow(directory, rest, signal);
    for (const entry of entries) {
      // Links to directories are not followed here: they may lead back.
      if (!entry.isDirectory() || entry.name === NO_LOGS) continue;
      yield* filesBelow(join(directory, entry.name), [part, ...rest], signal);
    }
    return;
  }
  const matches = pathMatcher(part);
  for (const entry of entries) {
    if (!matches(entry.name)) continue;
    const path = join(directory, entry.name);
    if (isLast && !entry.isDirectory()) yield path;
    if (!isLast && (entry.isDirectory() || entry.isSymbolicLink()) && entry.name !== NO_LOGS) {
      yield* filesBelow(path, others, signal);
    }
  }
}

/** Directories of days without logs are not there, which is no mistake. */
async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw unavailable(`directory ${directory}`, error);
  }
}
