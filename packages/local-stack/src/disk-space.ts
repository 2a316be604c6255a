import { statfsSync } from 'node:fs';
import { StackError } from './stack-error.ts';

/** An empty PostgreSQL takes 40 MB and its log of changes up to 1 GB under load; below this a start only fails later. */
const LEAST_FREE_BYTES = 300 * 1024 * 1024;

/** @throws StackError when the disk that would hold the data is full, or nearly. */
export function checkDiskSpace(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  const freeBytes = bavail * bsize;
  if (freeBytes < LEAST_FREE_BYTES) {
    const megabytes = (bytes: number) => Math.floor(bytes / 1024 / 1024);
    throw new StackError(
      `The disk is full: ${directory} has ${megabytes(freeBytes)} MB left, and Odometer needs at least ${megabytes(LEAST_FREE_BYTES)} MB`,
    );
  }
}
