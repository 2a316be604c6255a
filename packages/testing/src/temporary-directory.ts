import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchDirectory } from './watchdog.ts';

/** A new empty directory that is removed when this test process ends, passed or failed. */
export function temporaryDirectory(purpose: string): string {
  const path = mkdtempSync(join(tmpdir(), `odometer-${purpose}-`));
  watchDirectory(path);
  return path;
}
