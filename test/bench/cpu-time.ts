import { readdirSync, readFileSync } from 'node:fs';

/** A tick of /proc/<pid>/stat: 1/100 s on every Linux that Node runs on. */
const TICK_MS = 10;

interface ProcessTimes {
  readonly parent: number;
  /** Its own, and that of its children that have ended. */
  readonly ms: number;
}

function readTimes(pid: string): ProcessTimes | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before may hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
    return { parent: Number(fields[1]), ms: ticks * TICK_MS };
  } catch {
    return undefined;
  }
}

/**
 * Processor time of a process and its direct children (Postgres' backends), milliseconds. Unlike a rate it does not
 * depend on what else the machine does. Undefined where there is no /proc.
 */
export function cpuTimeMs(pid: number): number | undefined {
  const own = readTimes(String(pid));
  if (own === undefined) return undefined;
  let sum = own.ms;
  for (const each of readdirSync('/proc')) {
    const times = /^\d+$/.test(each) ? readTimes(each) : undefined;
    if (times?.parent === pid) sum += times.ms;
  }
  return sum;
}

/** The most memory a process ever had, bytes. Undefined where there is no /proc. */
export function peakMemoryBytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(
      readFileSync(`/proc/${pid}/status`, 'latin1'),
    )?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}
