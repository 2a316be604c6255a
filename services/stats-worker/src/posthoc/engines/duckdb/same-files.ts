import { hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { OdometerError } from '@odometer/domain/errors';

/** How much of a file's end is compared: some lines, in which there are times. */
const TAIL_BYTES = 16_384n;

/** A file of logs, as it was found. */
export interface FoundFile {
  readonly stats: BigIntStats;
  /** Digest of its last bytes, where it may grow; undefined: it may not change at all. */
  readonly tail: string | undefined;
}

/** @param mayGrow is for what is read line by line; half of what is compressed is nothing. */
export async function foundFile(
  file: string,
  stats: BigIntStats,
  mayGrow: boolean,
): Promise<FoundFile> {
  return { stats, tail: mayGrow ? await tailOf(file, stats.size) : undefined };
}

/** Another one when the file is another one, or is written to. */
export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

/**
 * Demands that what was read is what was found. One that is rotated meanwhile may have been read by its new name and its old one,
 * or by none; one that was still being copied may have been read up to where it ended. What is appended to lines comes with a later
 * revision.
 *
 * @throws OdometerError `target_unavailable`
 */
export async function requireSameFile(file: string, { stats, tail }: FoundFile): Promise<void> {
  const now = await statOf(file);
  if (identityOf(now) === identityOf(stats)) return;
  const isGrown =
    tail !== undefined &&
    now.dev === stats.dev &&
    now.ino === stats.ino &&
    now.size >= stats.size &&
    // It may have been cut off, and be longer by now.
    tail === (await tailOf(file, stats.size));
  if (!isGrown) throw unavailable(`file ${file}`, new Error('it was changed while it was read'));
}

/** One that is gone by now may have been compressed, or moved: its lines are in another file, which was not found. */
export function statOf(file: string): Promise<BigIntStats> {
  return stat(file, { bigint: true }).catch((error: unknown) => {
    throw unavailable(`file ${file}`, error);
  });
}

/** Files may be there, or be readable, when the window is asked for again. */
export function unavailable(target: string, cause: unknown): OdometerError {
  const { message: reason } = cause as Error;
  return new OdometerError('target_unavailable', { target, reason }, { cause });
}

async function tailOf(file: string, sizeBytes: bigint): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const from = sizeBytes > TAIL_BYTES ? sizeBytes - TAIL_BYTES : 0n;
      const tail = Buffer.alloc(Number(sizeBytes - from));
      const { bytesRead } = await handle.read(tail, 0, tail.length, Number(from));
      return hash('sha256', tail.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unavailable(`file ${file}`, error);
  }
}
