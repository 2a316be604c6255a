import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A password that is made once and kept beside the data it opens, readable by its owner only.
 * Returns the kept one when it exists: the data already knows it.
 */
export function keptSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    const secret = randomBytes(24).toString('hex');
    writeFileSync(path, secret, { mode: 0o600 });
    return secret;
  }
}
