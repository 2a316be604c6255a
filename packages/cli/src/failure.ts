import { isOdometerError } from '@odometer/domain/errors';
import { ConfigError } from '@odometer/service-kit/config';
import { CommanderError } from 'commander';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
/** EX_CONFIG of sysexits.h, as the services use it. */
const EXIT_CONFIG = 78;

/** Thrown by a command that has printed its result, and whose result is a failure. */
export class UnsatisfiedError extends Error {
  override readonly name = 'UnsatisfiedError';
}

/**
 * Says on standard error what went wrong, in one sentence with what to do about it; a bug keeps its stack, for whoever
 * gets the report.
 *
 * @returns the exit code.
 */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UnsatisfiedError) return EXIT_FAILURE;
  // Commander has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return isHelp(error) ? 0 : EXIT_USAGE;
  if (isOdometerError(error)) {
    process.stderr.write(`odometer: ${error.message}\n`);
    return error instanceof ConfigError ? EXIT_CONFIG : EXIT_FAILURE;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`odometer: unexpected failure, please report it:\n${text}\n`);
  return EXIT_FAILURE;
}

function isHelp({ code }: CommanderError): boolean {
  return code === 'commander.helpDisplayed' || code === 'commander.version';
}
