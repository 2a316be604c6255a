import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** Days of a quiet laptop; with the kept predecessor at most twice this per part. */
const LARGEST_LOG_BYTES = 10 * 1024 * 1024;
const CHECK_INTERVAL_MS = 5_000;

/**
 * Keeps every log of a directory bounded: one that has grown too large becomes `<name>.log.1`, and
 * is emptied in place, because its writer holds it open (for appending, so it goes on at the start).
 * Lines written between the copy and the emptying are lost; they are a laptop's logs.
 */
export function shrinkLogs(directory: string, largestBytes = LARGEST_LOG_BYTES): void {
  for (const file of readdirSync(directory)) {
    const path = join(directory, file);
    if (!file.endsWith('.log') || statSync(path).size <= largestBytes) continue;
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  }
}

/** Does so from time to time, until the returned function is called. */
export function keepLogsBounded(directory: string, onError: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    try {
      shrinkLogs(directory);
    } catch (error) {
      onError(error);
    }
  }, CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}
