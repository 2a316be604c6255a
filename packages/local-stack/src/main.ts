import { PidFiles } from './pid-files.ts';
import { readSettings, runDirectory } from './settings.ts';
import { Supervisor } from './supervisor.ts';

/** The supervisor, as `make up` starts it: detached, its output in supervisor.log. */
const settings = readSettings(process.env);
const pids = new PidFiles(runDirectory(settings));
const other = pids.claim('supervisor');
if (other !== undefined) {
  process.stderr.write(`A supervisor runs here already (pid ${other.pid})\n`);
  process.exit(1);
}
const supervisor = new Supervisor(settings, pids);

async function stop(exitCode: number): Promise<void> {
  await supervisor.stop();
  pids.forget('supervisor');
  process.exit(exitCode);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void stop(0));
}
process.on('SIGHUP', () => void supervisor.applyDemoWish());

await supervisor.start().catch(() => stop(1));
