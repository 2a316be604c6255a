/** The child's side of `startProgram`. */

interface Reply {
  readonly ready?: true;
  readonly result?: unknown;
  readonly error?: string;
}

function reply(message: Reply): void {
  process.send?.(message);
}

/**
 * Makes this process a part of a benchmark: prepares with the options it was started with, says that it is ready, and
 * does each command it is sent. It ends when its parent does.
 */
export async function program<Options, Command, Result>(
  prepare: (options: Options) => Promise<(command: Command) => Promise<Result>>,
): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const run = await prepare(JSON.parse(process.argv[2] ?? '{}') as Options);
  process.on('message', (command: Command) => {
    run(command).then((result) => reply({ result }), fail);
  });
  reply({ ready: true });
}

function fail(error: unknown): void {
  reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

/** Milliseconds since the epoch with fractions, comparable between the processes of a machine. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}
