import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  awaitReady,
  type Exit,
  type ServerProcess,
  spawnServer,
} from '@odometer/local-stack/server-process';
import { freePort } from '@odometer/local-stack/tcp-port';
import { programFile } from './program-file.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { watchProcess } from './watchdog.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** A service as a real process (`programFile`). */
export interface SpawnedService {
  readonly name: string;
  readonly pid: number;
  /** `/metrics`, `/livez`, `/readyz`. */
  readonly adminUrl: string;
  /** Settles when the process has ended. */
  readonly exit: Promise<Exit>;
  /** Everything it wrote until now. */
  log(): string;
  /** The log lines that are JSON, parsed; pino writes one object a line. */
  events(): readonly Readonly<Record<string, unknown>>[];
  /** Waits for `/readyz`; fails with the end of the log when it ends or stays unready. */
  ready(deadlineMs?: number): Promise<void>;
  isReady(): Promise<boolean>;
  /** The value of `/metrics` whose line starts with this (name and labels); undefined when absent. */
  metric(series: string): Promise<number | undefined>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL by default; waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

function parseLines(log: string): readonly Readonly<Record<string, unknown>>[] {
  return log.split('\n').flatMap((line) => {
    try {
      const parsed: unknown = JSON.parse(line);
      return typeof parsed === 'object' && parsed !== null ? [{ ...parsed }] : [];
    } catch {
      return [];
    }
  });
}

async function readMetric(adminUrl: string, series: string): Promise<number | undefined> {
  const body = await (await fetch(`${adminUrl}/metrics`)).text();
  const line = body.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

async function checkReady(adminUrl: string): Promise<void> {
  const { status } = await fetch(`${adminUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
  if (status !== 200) throw new Error(`/readyz answers ${status}`);
}

/**
 * Starts a service with these variables on top of a bare environment, so that nothing of the
 * developer's shell decides a test. An admin port is chosen when none is given.
 * Stop it with `kill('SIGTERM')`; when the test process ends it is killed.
 */
export async function spawnService(
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<SpawnedService> {
  const main = programFile(name, `services/${name}`, env);
  const adminPort = env.ODOMETER_ADMIN_PORT ?? String(await freePort());
  const logFile = join(temporaryDirectory(name), `${name}.log`);
  const server: ServerProcess = await spawnServer({
    name,
    command: [process.execPath, '--enable-source-maps', main],
    env: {
      PATH: process.env.PATH,
      ODOMETER_ADMIN_HOST: '127.0.0.1',
      ...env,
      ODOMETER_ADMIN_PORT: adminPort,
    },
    cwd: REPOSITORY,
    logFile,
  });
  watchProcess(server.pid, server.exited);
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const log = () => readFileSync(logFile, 'utf8');
  return {
    name,
    pid: server.pid,
    adminUrl,
    exit: server.exited,
    log,
    events: () => parseLines(log()),
    ready: (deadlineMs = 20_000) =>
      awaitReady(server, () => checkReady(adminUrl), logFile, deadlineMs),
    isReady: () =>
      checkReady(adminUrl).then(
        () => true,
        () => false,
      ),
    metric: (series) => readMetric(adminUrl, series),
    signal: (signal) => server.signal(signal),
    kill: (signal = 'SIGKILL') => server.stop(signal),
  };
}
