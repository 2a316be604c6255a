import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PidFiles } from './pid-files.ts';
import type { Settings } from './settings.ts';
import { StackError } from './stack-error.ts';

const NAME = 'command';

/** Where the command at work is noted: beside what it may remove. */
function lockDirectory(settings: Settings): string {
  return join(settings.directory, 'lock');
}

/**
 * Runs a command that starts or stops the stack, one at a time: two starts at once would each take the other's processes
 * for strangers in its way, and leave some that nobody stops.
 *
 * @throws StackError when another one is at work.
 */
export async function exclusively(settings: Settings, command: () => Promise<void>): Promise<void> {
  mkdirSync(settings.directory, { recursive: true });
  const pids = new PidFiles(lockDirectory(settings));
  const other = pids.claim(NAME);
  if (other !== undefined) {
    throw new StackError(
      `Another "make up", "make down" or "make reset" is at work here (pid ${other.pid}): wait until it is done`,
    );
  }
  try {
    await command();
  } finally {
    pids.forget(NAME);
  }
}
