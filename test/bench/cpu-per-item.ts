import { cpuTimeMs } from './cpu-time.ts';
import { note } from './figure.ts';

type PerProcess = Readonly<Record<string, number>>;

/** Processor time of each of these processes so far, milliseconds. */
export function cpuTimes(pids: PerProcess): PerProcess {
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, cpuTimeMs(pid) ?? Number.NaN]),
  );
}

/** Says where the time went: per item, which does not depend on what else the machine does. */
export function noteCpu(pids: PerProcess, before: PerProcess, items: number): void {
  const each = Object.entries(cpuTimes(pids)).map(
    ([name, ms]) => `${name} ${(((ms - (before[name] ?? 0)) * 1_000) / items).toFixed(1)}`,
  );
  note(`      CPU µs each: ${each.join(', ')}`);
}
