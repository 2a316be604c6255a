import { spawnSync } from 'node:child_process';
import { arch, cpus, release, type as systemName, totalmem } from 'node:os';
import { findProgram } from '@odometer/local-stack/find-program';
import type { Servers } from '../servers.ts';

const GIBIBYTE = 1_073_741_824;

/** What the figures were measured on, one fact a line. */
export async function describeMachine(servers: Servers): Promise<readonly string[]> {
  const { postgres, redis } = await servers.versions();
  const processors = cpus();
  return [
    `${processors.length} cores of ${processors[0]?.model.trim() ?? 'an unknown processor'} (${arch()})`,
    `${(totalmem() / GIBIBYTE).toFixed(1)} GiB of memory`,
    `${systemName()} ${release()}`,
    `Node ${process.versions.node}, PostgreSQL ${postgres}, Redis ${redis}, Mosquitto ${mosquittoVersion()}`,
  ];
}

/** Mosquitto has no option that prints only its version; its help begins with it, and ends with 3. */
function mosquittoVersion(): string {
  const { stdout } = spawnSync(findProgram('mosquitto'), ['-h'], { encoding: 'utf8' });
  return /version (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
}
