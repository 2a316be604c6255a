import type { BigIntStats, Dirent } from 'node:fs';
import { access, constants, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { OdometerError } from '@odometer/domain/errors';
import { type LogSource, pathsOfWindow } from '@odometer/domain/posthoc/log-source';
import { pathMatcher } from '@odometer/domain/posthoc/path-pattern';
import { localName } from './work-directory.ts';

/** Files in which a window's lines may be. */
export interface LogFiles {
  /** Whole paths, as DuckDB is given them: in order, each once, with no character that it would take for a wildcard. */
  readonly paths: readonly string[];
  readonly bytes: bigint;
  /** What a file is called where the logs are, for whoever reads an error about it. */
  readonly nameOf: (path: string) => string | undefined;
  /** Another one when the file is another one, or is written to. */
  readonly identityOf: (path: string) => Promise<string>;
  /**
   * Demands that what was read is what was found: a file that was replaced while the query ran, as those are that are rotated, may
   * have been read by its new name and its old one, or by none. One that has grown is the same file.
   *
   * @throws OdometerError `target_unavailable`
   */
  readonly requireSame: () => Promise<void>;
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
  source: Pick<LogSource, 'path' | 'lateHours'>,
  window: { readonly startMs: number; readonly endMs: number },
  links: string,
  signal: AbortSignal,
): Promise<LogFiles> {
  await requireDirectory(join(directory, fixedPart(source.path)));
  const found = new Set<string>();
  for (const path of pathsOfWindow(source, window.startMs, window.endMs)) {
    for await (const file of filesBelow(directory, path.split('/'), signal)) found.add(file);
  }
  const names = new Map<string, string>();
  const seen = new Map<string, BigIntStats>();
  let bytes = 0n;
  for (const file of [...found].sort()) {
    const stats = await statOf(file);
    if (!stats.isFile() || stats.size === 0n) continue;
    const link = join(links, localName(file, names.size));
    await symlink(file, link);
    names.set(link, file);
    seen.set(file, stats);
    bytes += stats.size;
  }
  const requireSame = async () => {
    for (const [file, { dev, ino, size }] of seen) {
      const now = await statOf(file);
      if (now.dev === dev && now.ino === ino && now.size >= size) continue;
      throw unavailable(
        `file ${file}`,
        new Error('it was replaced, or cut off, while it was read'),
      );
    }
  };
  const nameOf = (path: string) => names.get(path);
  return { paths: [...names.keys()], bytes, nameOf, identityOf, requireSame };
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

/** One that is gone by now may have been compressed, or moved: its lines are in another file, which was not found. */
function statOf(file: string): Promise<BigIntStats> {
  return stat(file, { bigint: true }).catch((error: unknown) => {
    throw unavailable(`file ${file}`, error);
  });
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

function unavailable(target: string, cause: unknown): OdometerError {
  const { message: reason } = cause as Error;
  return new OdometerError('target_unavailable', { target, reason }, { cause });
}
