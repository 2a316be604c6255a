import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { explainLog, logTail } from './log-tail.ts';
import { StackError } from './stack-error.ts';

/** How a process ended: a code of its own, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process that serves something, from its spawn to its end. */
export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<Exit>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it politely, and with SIGKILL when it does not answer in time. Safe to repeat. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

export interface SpawnOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Appended to, never emptied. Written by the child itself, so that it outlives a parent that was killed. */
  readonly logFile: string;
  /** What makes this program end cleanly. */
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take to end cleanly before it is killed. */
  readonly stopDeadlineMs?: number;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/**
 * Starts a program with its output appended to a log file.
 * @throws StackError when it cannot be started at all.
 */
export async function spawnServer(options: SpawnOptions): Promise<ServerProcess> {
  const [program, ...args] = options.command;
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(program, args, {
    stdio: ['ignore', log, log],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  closeSync(log);
  const exited = exitOf(child);
  const { pid } = child;
  if (pid === undefined) {
    await exited;
    throw new StackError(`${options.name} could not be started: ${program} cannot be run`);
  }
  let running = true;
  void exited.then(() => {
    running = false;
  });
  const signal = (name: NodeJS.Signals) => {
    if (running) child.kill(name);
  };
  return {
    name: options.name,
    pid,
    exited,
    signal,
    async stop(stopSignal = options.stopSignal ?? 'SIGTERM') {
      signal(stopSignal);
      const killer = setTimeout(() => signal('SIGKILL'), options.stopDeadlineMs ?? 30_000);
      const exit = await exited;
      clearTimeout(killer);
      return exit;
    },
  };
}

/** A probe settles when the server answers a real request, and rejects while it does not. */
export type Probe = () => Promise<void>;

/** How often readiness is asked: below what a person notices, above what would slow the start. */
const PROBE_INTERVAL_MS = 50;

function describeExit({ code, signal }: Exit): string {
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
}

/** The failure of a server as one sentence, followed by the last lines of its log. */
function serverFailure(name: string, what: string, logFile: string): StackError {
  const tail = logTail(logFile);
  const reason = explainLog(tail);
  const sentence = reason === undefined ? `${name} ${what}` : `${name} ${what}. ${reason}`;
  return new StackError(tail === '' ? sentence : `${sentence}. Last lines of ${logFile}:\n${tail}`);
}

/**
 * Waits until a server answers.
 * @throws StackError with the last lines of its log when it ends first or the deadline passes; in
 *   the second case it is stopped.
 */
export async function awaitReady(
  server: ServerProcess,
  probe: Probe,
  logFile: string,
  deadlineMs: number,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  let exit: Exit | undefined;
  void server.exited.then((status) => {
    exit = status;
  });
  for (;;) {
    const answer = await probe().then(
      () => 'ready',
      (error: unknown) => error,
    );
    if (exit !== undefined) {
      throw serverFailure(server.name, `${describeExit(exit)} before it was ready`, logFile);
    }
    if (answer === 'ready') return;
    if (Date.now() > deadline) {
      await server.stop('SIGKILL');
      const last = answer instanceof Error ? answer.message : String(answer);
      throw serverFailure(
        server.name,
        `was not ready after ${deadlineMs / 1000} s (${last})`,
        logFile,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS));
  }
}
