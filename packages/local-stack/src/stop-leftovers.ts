import type { PidFiles, RecordedProcess } from './pid-files.ts';

/** A service drains within 25 s, PostgreSQL writes out what it holds. */
const POLITE_MS = 40_000;
const POLL_MS = 50;

function politeSignal(name: string): NodeJS.Signals {
  // PostgreSQL takes SIGTERM for "when all sessions have ended by themselves".
  return name === 'postgres' ? 'SIGINT' : 'SIGTERM';
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended meanwhile.
  }
}

async function end(pids: PidFiles, { name, pid }: RecordedProcess): Promise<void> {
  const killAt = Date.now() + POLITE_MS;
  send(pid, politeSignal(name));
  while (pids.running(name)?.pid === pid) {
    if (Date.now() > killAt) send(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  pids.forget(name);
}

/** Nothing sends to what was stopped before it: clients, then services, then what holds the data. */
const SERVERS = new Set(['postgres', 'redis', 'mosquitto']);

/**
 * Ends what a supervisor left behind that was itself killed. Only processes whose number and start
 * time were recorded as ours are signalled.
 * @returns the names of those that were still running.
 */
export async function stopLeftovers(pids: PidFiles): Promise<readonly string[]> {
  const running = pids.allRunning().filter(({ name }) => name !== 'supervisor');
  const isServer = ({ name }: RecordedProcess) => SERVERS.has(name);
  await Promise.all(running.filter((each) => !isServer(each)).map((each) => end(pids, each)));
  await Promise.all(running.filter(isServer).map((each) => end(pids, each)));
  return running.map(({ name }) => name);
}
