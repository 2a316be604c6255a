import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { watchProcess } from '@odometer/testing/watchdog';

interface Reply<Result> {
  readonly ready?: true;
  readonly result?: Result;
  readonly error?: string;
}

/** A process of the benchmark's own, so that what generates load takes nothing from what is measured. */
export interface Program<Command, Result> {
  readonly pid: number;
  /** Sends a command and waits for its result. One at a time. */
  run(command: Command): Promise<Result>;
  stop(): Promise<void>;
}

function nextReply<Result>(child: ChildProcess, name: string): Promise<Reply<Result>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off('exit', onExit);
      const reply = message as Reply<Result>;
      if (reply.error === undefined) resolve(reply);
      else reject(new Error(`${name}: ${reply.error}`));
    };
    const onExit = (code: number | null): void => {
      child.off('message', onMessage);
      reject(new Error(`${name} ended with ${code}`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}

/** Starts a program beside `base` (an import.meta.url); returns when it has prepared itself. */
export async function startProgram<Options, Command, Result>(
  base: string,
  name: string,
  options: Options,
): Promise<Program<Command, Result>> {
  const child = fork(fileURLToPath(new URL(`${name}.js`, base)), [JSON.stringify(options)], {
    env: { PATH: process.env.PATH },
    execArgv: [],
    serialization: 'json',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const pid = child.pid ?? -1;
  watchProcess(pid, exited);
  await nextReply(child, name);
  return {
    pid,
    async run(command) {
      const answer = nextReply<Result>(child, name);
      child.send(command as object);
      return (await answer).result as Result;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
