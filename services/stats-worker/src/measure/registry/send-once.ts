import { OdometerError } from '@odometer/domain/errors';
import { OWN_USER_AGENT } from '@odometer/domain/registries/own-user-agent';
import { fetchFailure, readBounded } from '../../bounded-answer.ts';

export interface OciAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** Who answered, after redirects. */
  readonly url: URL;
}

interface Sent {
  readonly url: URL;
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly maxBytes: number;
}

/** Whether it says no more than to come again. */
export function wantsLater({ status }: OciAnswer): boolean {
  return status === 429 || status >= 500;
}

const MAX_REDIRECTS = 3;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * One request and its whole answer. Redirects are followed by hand: credentials go to nobody but the registry itself, and
 * nothing that was asked over TLS is asked again without.
 *
 * @throws OdometerError `target_unavailable` without an answer in time, `target_invalid` for one that cannot be taken;
 *   the signal's reason when it was aborted.
 */
export async function sendOnce(
  target: string,
  { url, method, headers, maxBytes }: Sent,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<OciAnswer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const invalid = (reason: string) => new OdometerError('target_invalid', { target, reason });
  let from = url;
  let sent = headers;
  try {
    for (let redirects = 0; ; redirects += 1) {
      const response = await fetch(from, {
        method,
        headers: { 'User-Agent': OWN_USER_AGENT, ...sent },
        redirect: 'manual',
        signal: AbortSignal.any([signal, deadline]),
      });
      const location = response.headers.get('location');
      if (!REDIRECTS.includes(response.status) || location === null) {
        const body = await readBounded(response, maxBytes);
        if (body === undefined) throw invalid(`the answer is larger than ${maxBytes} bytes`);
        return { status: response.status, headers: response.headers, body, url: from };
      }
      await response.body?.cancel();
      if (redirects === MAX_REDIRECTS) throw invalid('it redirects again and again');
      const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
      if (to === undefined || !['https:', from.protocol].includes(to.protocol)) {
        throw invalid('it redirects to where nobody should follow');
      }
      if (to.origin !== from.origin) sent = without(sent, 'Authorization');
      from = to;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OdometerError) throw error;
    const reason = deadline.aborted ? `no answer within ${timeoutMs} ms` : fetchFailure(error);
    throw new OdometerError('target_unavailable', { target, reason });
  }
}

function without(
  headers: Readonly<Record<string, string>>,
  name: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}
