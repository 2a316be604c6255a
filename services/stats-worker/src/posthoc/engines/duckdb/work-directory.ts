import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'odometer-duckdb-';
/** A job has five minutes for everything, so one that is older was left behind by a worker that was killed. */
const ABANDONED_MS = 30 * 60_000;

export interface WorkDirectory {
  /** For what DuckDB cannot keep in memory. */
  readonly spill: string;
  /** For logs that were fetched, and links to those that are here. */
  readonly logs: string;
}

/**
 * What a file of logs is called there. DuckDB takes every name that it is given for a pattern, and would read other files than
 * `access[1].log`, or columns out of `day=01`; and keys may be longer than names of files. It looks at how a name ends.
 */
export function localName(name: string, index: number): string {
  return `${String(index).padStart(6, '0')}${name.endsWith('.gz') ? '.gz' : ''}`;
}

/** A query's own directory, removed after it. What killed workers left behind is removed before. */
export async function withWorkDirectory<Result>(
  use: (directory: WorkDirectory) => Promise<Result>,
): Promise<Result> {
  const parent = tmpdir();
  await removeAbandoned(parent);
  const directory = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  try {
    const [spill, logs] = [join(directory, 'spill'), join(directory, 'logs')];
    await Promise.all([mkdir(spill), mkdir(logs)]);
    return await use({ spill, logs });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    // Another worker may remove it at the same time.
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < ABANDONED_MS) continue;
    // What is another user's is no reason not to ask.
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
