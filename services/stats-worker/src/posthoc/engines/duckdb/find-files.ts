import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type LogSource, pathsOfWindow } from '@odometer/domain/posthoc/log-source';
import { type Connection, literal } from './open-duckdb.ts';

export interface LogFiles {
  /** Whole paths, in order, each once. */
  readonly paths: readonly string[];
  readonly bytes: bigint;
}

/**
 * The files of the worker's directory in which a window's lines may be. None is an answer, too: there may have been no requests.
 * Those without bytes are left out, because they have no lines, and are neither gzip nor Parquet.
 */
export async function findFiles(
  connection: Connection,
  directory: string,
  source: Pick<LogSource, 'path' | 'lateHours'>,
  window: { readonly startMs: number; readonly endMs: number },
): Promise<LogFiles> {
  const found = new Set<string>();
  for (const path of pathsOfWindow(source, window.startMs, window.endMs)) {
    const reader = await connection.runAndReadAll(
      `select file from glob(${literal(join(directory, path))})`,
    );
    for (const [file] of reader.getRows()) if (typeof file === 'string') found.add(file);
  }
  const paths: string[] = [];
  let bytes = 0n;
  for (const path of [...found].sort()) {
    const { size } = await stat(path);
    if (size === 0) continue;
    paths.push(path);
    bytes += BigInt(size);
  }
  return { paths, bytes };
}
