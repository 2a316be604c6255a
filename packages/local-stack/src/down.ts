import { rmSync } from 'node:fs';
import { exclusively } from './exclusively.ts';
import { PidFiles } from './pid-files.ts';
import { processBirth } from './process-identity.ts';
import { runCommand, say } from './run-command.ts';
import { readSettings, runDirectory, type Settings } from './settings.ts';
import { stopLeftovers } from './stop-leftovers.ts';

/** Longer than the parts' own deadlines one after the other. */
const SUPERVISOR_DEADLINE_MS = 120_000;

async function stopSupervisor(pids: PidFiles): Promise<boolean> {
  const supervisor = pids.running('supervisor');
  if (supervisor === undefined) return false;
  // Its pid file goes a moment before it does: the process itself is what is waited for.
  const birth = processBirth(supervisor.pid);
  process.kill(supervisor.pid, 'SIGTERM');
  const killAt = Date.now() + SUPERVISOR_DEADLINE_MS;
  while (birth !== undefined && processBirth(supervisor.pid) === birth) {
    if (Date.now() > killAt) process.kill(supervisor.pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  pids.forget('supervisor');
  return true;
}

async function down(settings: Settings): Promise<void> {
  const pids = new PidFiles(runDirectory(settings));
  if (pids.running('supervisor') !== undefined) say('Stopping Odometer …');
  const stopped = await stopSupervisor(pids);
  const leftovers = await stopLeftovers(pids);
  if (!stopped && leftovers.length === 0) say('Odometer is not running.');
  else say('Odometer is stopped. Its data is kept; "make reset" removes it.');
}

await runCommand(async () => {
  const settings = readSettings(process.env);
  await exclusively(settings, async () => {
    await down(settings);
    if (!process.argv.includes('--remove-data')) return;
    for (const kept of ['data', 'logs', 'run', 'env', 'lock']) {
      rmSync(`${settings.directory}/${kept}`, { recursive: true, force: true });
    }
    say('Its data, logs and keys are removed.');
  });
});
