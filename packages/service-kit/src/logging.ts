import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { redactFields, redactText } from './redaction.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The logger of a process: JSON lines on standard output, written synchronously: pino's own default loses the last words
 * before a SIGKILL and, on exit, overtakes a line that is still being written. Log an event name and fields, errors under `error`:
 * `log.warn({ event: 'flush_failed', error, attempt })`. Never per message, never a secret.
 *
 * @param name the service, on every line as `service`.
 * @param to where tests read the lines; standard output by default.
 */
export function createLogger(
  name: string,
  level: LogLevel,
  to: DestinationStream = destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
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
    },
    to,
  );
}
