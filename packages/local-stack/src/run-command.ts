import { StackError } from './stack-error.ts';

/** A line for the person at the terminal. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs a command of the stack; an expected failure is its sentence and exit code 1, without a stack trace. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  // Whoever reads our lines may stop reading (`make up | head`): the work goes on.
  process.stdout.on('error', () => {});
  try {
    await command();
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = 1;
  }
}
