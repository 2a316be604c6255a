import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { checkDiskSpace } from './disk-space.ts';
import { exclusively } from './exclusively.ts';
import { explainLog, logTail } from './log-tail.ts';
import { PidFiles } from './pid-files.ts';
import { processBirth } from './process-identity.ts';
import { awaitServices } from './readiness.ts';
import { runCommand, say } from './run-command.ts';
import {
  logDirectory,
  logFile,
  PORTS,
  portOf,
  programOf,
  readSettings,
  runDirectory,
  type Settings,
} from './settings.ts';
import { StackError } from './stack-error.ts';
import { readStatus, writeDemoWish, writeStatus } from './status-file.ts';
import { stopLeftovers } from './stop-leftovers.ts';
import { assertPortFree } from './tcp-port.ts';
import { welcome } from './welcome.ts';

/** Recovery of a large database is the slowest thing a start can meet. */
const START_DEADLINE_MS = 180_000;

/** A running stack keeps its ports: asking for others is answered, not ignored. */
function refuseOtherPorts(settings: Settings): void {
  const running = readStatus(settings)?.ports ?? {};
  for (const [name, { variable }] of Object.entries(PORTS)) {
    if (running[name] !== undefined && running[name] !== settings.ports[name]) {
      throw new StackError(
        `Odometer is running with ${variable}=${running[name]}: run "make down" before you start it with ${settings.ports[name]}`,
      );
    }
  }
}

async function startSupervisor(settings: Settings): Promise<number> {
  for (const [name, { variable }] of Object.entries(PORTS)) {
    await assertPortFree(name, portOf(settings, name), variable);
  }
  writeStatus(settings, {
    phase: 'starting',
    progress: [],
    misconfigured: [],
    ports: settings.ports,
  });
  const log = openSync(logFile(settings, 'supervisor'), 'a', 0o600);
  const supervisor = spawn(
    process.execPath,
    ['--enable-source-maps', programOf(settings, 'packages/local-stack')],
    {
      cwd: settings.repository,
      stdio: ['ignore', log, log],
      detached: true,
    },
  );
  closeSync(log);
  supervisor.unref();
  if (supervisor.pid === undefined) throw new StackError('The supervisor could not be started');
  return supervisor.pid;
}

/** Repeats what the supervisor tells until it says that everything is started. */
async function followStart(settings: Settings, isAlive: () => boolean): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  // A stack that is up has told its story to whoever started it.
  const earlier = readStatus(settings);
  let told = earlier?.phase === 'up' ? earlier.progress.length : 0;
  for (;;) {
    const alive = isAlive();
    const status = readStatus(settings);
    for (const line of status?.progress.slice(told) ?? []) say(`  ${line} …`);
    told = status?.progress.length ?? told;
    if (status?.phase === 'failed') throw new StackError(status.failure ?? 'The start failed');
    if (status?.phase === 'up') return;
    if (!alive) {
      const tail = logTail(logFile(settings, 'supervisor'));
      throw new StackError(
        `${explainLog(tail) ?? 'The supervisor ended'}. Last lines of its log:\n${tail}`,
      );
    }
    if (Date.now() > deadline)
      throw new StackError('Odometer did not start in time; see .odometer/logs');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function up(settings: Settings): Promise<void> {
  for (const directory of [runDirectory(settings), logDirectory(settings)]) {
    mkdirSync(directory, { recursive: true });
  }
  checkDiskSpace(settings.directory);
  const pids = new PidFiles(runDirectory(settings));
  const running = pids.running('supervisor');
  writeDemoWish(settings, settings.demo);
  if (running !== undefined) {
    refuseOtherPorts(settings);
    say('Odometer is already running; looking at each part …');
    process.kill(running.pid, 'SIGHUP');
    await followStart(settings, () => pids.running('supervisor') !== undefined);
  } else {
    const leftovers = await stopLeftovers(pids);
    if (leftovers.length > 0)
      say(`Stopped what an earlier run left behind: ${leftovers.join(', ')}.`);
    say('Starting Odometer …');
    const pid = await startSupervisor(settings);
    await followStart(settings, () => processBirth(pid) !== undefined);
  }
  await awaitServices(settings);
  say(welcome(settings));
}

// The supervisor is not of our process group: Ctrl-C ends only the watching.
process.once('SIGINT', () => {
  say('\nOdometer goes on starting in the background; "make down" stops it.');
  process.exit(130);
});

await runCommand(async () => {
  const settings = readSettings(process.env);
  await exclusively(settings, () => up(settings));
});
