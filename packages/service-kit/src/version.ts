import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The version of this build. All packages are released together, so this package's own speaks for all. */
export function buildVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return z.object({ version: z.string() }).parse(manifest).version;
}
