import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Enough for a stack trace; more would bury the sentence it explains. */
const TAIL_BYTES = 8_192;

/** Some log lines carry a whole stack trace as JSON; their beginning says what happened. */
const LONGEST_LINE = 300;

/** The last lines of a log file, '' when there is none. */
export function logTail(path: string, lines = 15): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(TAIL_BYTES, size));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line))
      .join('\n');
  } finally {
    closeSync(file);
  }
}

/** The one sentence for the failures that logs bury; undefined when the log shows none of them. */
export function explainLog(tail: string): string | undefined {
  if (/no space left on device|ENOSPC/i.test(tail)) return 'The disk is full';
  if (/address already in use|EADDRINUSE/i.test(tail)) return 'Its port was taken meanwhile';
  return undefined;
}
