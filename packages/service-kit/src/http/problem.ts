import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type ErrorKind, isOdometerError } from '@odometer/domain/errors';

/** Clients come back after this. Short: storage is usually back in seconds, and the events are safe only once sent. */
const RETRY_AFTER_SECONDS = 1;

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  too_many: 429,
  unavailable: 503,
  bug: 500,
};

/** Status of an error at the edge; what is no expected failure is 500. */
export function statusOf(error: unknown): number {
  return isOdometerError(error) ? STATUS_OF_KIND[error.kind] : 500;
}

/**
 * Answers with an RFC 9457 problem, in the form of OpenMeter's v1 API: its SDK reads the body only when the content type
 * is exactly `application/problem+json`.
 *
 * @param detail empty for a 500: what we did not expect may hold what clients must not see.
 */
export function sendProblem(
  response: ServerResponse,
  status: number,
  detail: string,
  options: {
    readonly extensions?: Readonly<Record<string, unknown>>;
    readonly retryAfterSeconds?: number;
  } = {},
): void {
  // The client has gone: nobody is there to be told, and it is no error of ours.
  if (response.headersSent || response.destroyed) return;
  const retryAfter =
    options.retryAfterSeconds ?? (status === 503 ? RETRY_AFTER_SECONDS : undefined);
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    instance: `urn:request:${randomUUID()}`,
    ...(options.extensions === undefined ? {} : { extensions: options.extensions }),
  });
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  response.end(body);
}

/** Answers with what an error means to a client: its kind's status, its code, and its message unless it is a bug. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (isOdometerError(error) && error.kind !== 'bug') {
    sendProblem(response, statusOf(error), error.message, { extensions: { code: error.code } });
  } else {
    sendProblem(response, 500, '');
  }
}
