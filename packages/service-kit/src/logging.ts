import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { redactFields, redactText } from './redaction.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The logger of a process: JSON lines on standard output, written synchronously so that the last words before an exit
 * are not lost. Log an event name and fields, errors under `error`:
 * `log.warn({ event: 'flush_failed', error, attempt })`. Never per message, never a secret.
 *
 * @param name the service, on every line as `service`.
 * @param destination where tests read the lines.
 */
export function createLogger(
  name: string,
  level: LogLevel,
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: { service: name, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    errorKey: 'error',
    // Without these identities pino would serialize the error again, before redaction could see inside it.
    serializers: { error: (error: unknown) => error, err: (error: unknown) => error },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: redactFields,
      bindings: redactFields,
    },
    // Last guard, over the finished line: messages and stacks do not pass through the formatters.
    hooks: { streamWrite: redactText },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
