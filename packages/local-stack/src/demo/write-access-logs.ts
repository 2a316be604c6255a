import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { accessLog, SLOT_MS } from './access-log.ts';

const HOUR_MS = 3_600_000;
/** So many hours that have ended, and the current one, have logs from the beginning. */
export const LOOKBACK_HOURS = 3;
/** The last revision is asked for within two hours; some 2 MB a day. */
const KEPT_MS = 48 * HOUR_MS;
const INTERVAL_MS = 20_000;

/** Writes what a load balancer would have delivered by now and is not there yet, and removes what is old. */
export function writeAccessLogs(directory: string, nowMs: number): void {
  const thisHourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const firstMs = thisHourMs - LOOKBACK_HOURS * HOUR_MS;
  for (let slotMs = firstMs; slotMs + SLOT_MS <= nowMs; slotMs += SLOT_MS) {
    const { path, lines } = accessLog(slotMs);
    const file = join(directory, path);
    if (existsSync(file)) continue;
    mkdirSync(dirname(file), { recursive: true });
    // Nobody reads half a file: it gets its name when it is whole.
    writeFileSync(`${file}.part`, gzipSync(lines.map((line) => `${line}\n`).join('')));
    renameSync(`${file}.part`, file);
  }
  const oldestMs = nowMs - KEPT_MS;
  const balancer = dirname(dirname(dirname(dirname(accessLog(firstMs).path))));
  for (const day of daysIn(join(directory, balancer))) {
    if (Date.parse(day.slice(-10).replaceAll('/', '-')) + 24 * HOUR_MS < oldestMs) {
      rmSync(day, { recursive: true, force: true });
    }
  }
}

/** Directories of days, `…/2026/10/01`. */
function daysIn(directory: string): readonly string[] {
  const below = (parents: readonly string[]) =>
    parents.flatMap((parent) => readdirSync(parent).map((name) => `${parent}/${name}`));
  return below(below(below([directory])));
}

/** Goes on writing them. @returns a function that stops it. */
export function keepWritingAccessLogs(directory: string): () => void {
  const write = () => {
    try {
      writeAccessLogs(directory, Date.now());
    } catch (error) {
      // A full disk, or a directory that somebody removed: the next time may be better.
      process.stderr.write(`access logs: ${String(error)}\n`);
    }
  };
  write();
  const timer = setInterval(write, INTERVAL_MS);
  return () => clearInterval(timer);
}
