import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { OdometerError } from '@odometer/domain/errors';
import type { LogFiles } from './find-files.ts';
import { unavailable } from './same-files.ts';

/** Large pieces: each is a trip to another thread. */
const PIECE_BYTES = 1_048_576;
/** Of files that were seen to be whole; some 100 bytes each. What is forgotten is read once more. */
const MAX_REMEMBERED = 100_000;

/**
 * Demands that compressed files are whole. DuckDB takes a gzip that is cut off for a shorter one, and says nothing: a copy that is
 * still under way, or a disk that was full, would be less usage than there was.
 *
 * A file is decompressed a second time for it, beside the query and on another thread; once, as long as it stays the same.
 */
export class WholeGzip {
  /** In the order in which they were seen. */
  readonly #whole = new Set<string>();

  /** @throws OdometerError `target_invalid`, with the file's name; the signal's reason. */
  async require({ paths, nameOf, identityOf }: LogFiles, signal: AbortSignal): Promise<void> {
    for (const path of paths) {
      if (!path.endsWith('.gz')) continue;
      const identity = identityOf(path);
      if (this.#whole.has(identity)) continue;
      try {
        await decompress(path, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw refused(nameOf(path) ?? path, error);
      }
      this.#remember(identity);
    }
  }

  #remember(identity: string): void {
    this.#whole.add(identity);
    if (this.#whole.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#whole) {
      this.#whole.delete(oldest);
      return;
    }
  }
}

/**
 * To its end, where its checksum and length are (RFC 1952 §2.3.1). Node leaves out what comes after it; DuckDB does not, and does not
 * say of which file it speaks.
 */
async function decompress(path: string, signal: AbortSignal): Promise<void> {
  const nowhere = new Writable({ write: (_bytes, _encoding, done) => done() });
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  await pipeline(file, gunzip, nowhere, { signal });
  const left = file.bytesRead - gunzip.bytesWritten;
  if (left > 0) throw new Error(`there are ${left} bytes after its end`);
}

function refused(file: string, cause: unknown): OdometerError {
  // Of the system, and not of zlib: it is gone, or cannot be read.
  if (cause instanceof Error && 'syscall' in cause) return unavailable(`file ${file}`, cause);
  const { message } = cause as Error;
  const reason = `it is no whole gzip, perhaps cut off or still being written (${message})`;
  return new OdometerError('target_invalid', { target: `file ${file}`, reason }, { cause });
}
