import { OdometerError } from '@odometer/domain/errors';
import { fetchFailure, readBounded } from '../bounded-answer.ts';

export interface Question {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Posted; without it the question is a GET. */
  readonly form?: URLSearchParams;
  /** More than this is no answer to it. */
  readonly maxBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** From the connection to the end of the body. */
const TIMEOUT_MS = 30_000;

/**
 * One request and its whole answer, of whatever status. Redirects are refused: they would take credentials to where nobody has
 * declared that they may go.
 *
 * @param target for messages: `pulled log auth0-logs`.
 * @throws OdometerError `target_unavailable` without an answer in time, `target_invalid` for one that cannot be taken; the
 *   signal's reason when it was aborted.
 */
export async function askOnce(
  target: string,
  { url, headers, form, maxBytes }: Question,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const invalid = (reason: string) => new OdometerError('target_invalid', { target, reason });
  try {
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { Accept: 'application/json', 'User-Agent': 'odometer', ...headers },
      ...(form === undefined ? {} : { body: form }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, deadline]),
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw invalid(
        `HTTP ${response.status}: it redirects, which is not followed; declare where it leads`,
      );
    }
    const body = await readBounded(response, maxBytes);
    if (body === undefined) {
      throw invalid(`the answer is larger than ${maxBytes} bytes; declare a smaller pageSize`);
    }
    return { status: response.status, headers: response.headers, body };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OdometerError) throw error;
    const reason = deadline.aborted ? `no answer within ${timeoutMs} ms` : fetchFailure(error);
    throw new OdometerError('target_unavailable', { target, reason });
  }
}
