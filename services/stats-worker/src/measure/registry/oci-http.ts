import { setTimeout as wait } from 'node:timers/promises';
import { type Backoff, backoffMs } from '@odometer/domain/backoff';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import { type Credentials, OciAuthorization } from './oci-authorization.ts';
import { type OciAnswer, sendOnce, wantsLater } from './send-once.ts';

export interface OciRequest {
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD';
  readonly accept?: string;
  /** What is asked for, as the registry's tokens have it: `repository:acme/web:pull`. */
  readonly scope: string;
  /** More than this is no answer to it. */
  readonly maxBytes: number;
}

/** Of one attempt, from the connection to the end of the body. A manifest and a page of tags take milliseconds. */
const TIMEOUT_MS = 30_000;
/** Waits up to 0.5, 1, 2, 4 s between them: what lasts longer is tried again with the next bell. */
const ATTEMPTS = 5;
const BACKOFF: Backoff = { firstMs: 500, capMs: 4_000 };
/** A registry that wants to be left alone for longer gets its wish: the measurement fails, and is tried again later. */
const LONGEST_DELAY_MS = 10_000;

/** Requests to one registry: with a deadline, bounded answers, a few attempts, and credentials that go to nobody else. */
export class OciHttp {
  /** For whoever reads a message: `registry images`. */
  readonly target: string;
  readonly #authorization: OciAuthorization;
  readonly #timeoutMs: number;

  constructor(
    target: string,
    url: URL,
    credentials: Credentials | undefined,
    timeoutMs = TIMEOUT_MS,
  ) {
    this.target = target;
    this.#timeoutMs = timeoutMs;
    this.#authorization = new OciAuthorization(target, url, credentials, (realm, headers, signal) =>
      // Once: whoever asks for a token is an attempt already.
      this.#send({ url: realm, method: 'GET', headers, maxBytes: 65_536 }, signal),
    );
  }

  /**
   * @returns an answer of status 200, 404 or 405 (a registry does not know what it was asked).
   * @throws OdometerError `target_…`, or the signal's reason.
   */
  async request(request: OciRequest, signal: AbortSignal): Promise<OciAnswer> {
    const { url, method = 'GET', accept, scope, maxBytes } = request;
    const send = () => {
      const authorization = this.#authorization.header(scope);
      const headers = {
        ...(accept === undefined ? {} : { Accept: accept }),
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      };
      return this.#send({ url, method, headers, maxBytes }, signal);
    };
    const answer = await this.#attempt(async () => {
      const first = await send();
      if (first.status !== 401) return first;
      const challenge = first.headers.get('www-authenticate') ?? '';
      const renewal = await this.#authorization.renew(challenge, scope, signal);
      if (renewal === 'renewed') return send();
      return renewal === 'refused' ? first : renewal;
    }, signal);
    if ([200, 404, 405].includes(answer.status)) return answer;
    throw this.#refusal(answer);
  }

  #send(request: Parameters<typeof sendOnce>[1], signal: AbortSignal): Promise<OciAnswer> {
    return sendOnce(this.target, request, this.#timeoutMs, signal);
  }

  /** @throws OdometerError when the last attempt gave no answer, or one that says to come again. */
  async #attempt(attempt: () => Promise<OciAnswer>, signal: AbortSignal): Promise<OciAnswer> {
    for (let made = 1; ; made += 1) {
      let failure: unknown;
      let delayMs = backoffMs(BACKOFF, made);
      try {
        const answer = await attempt();
        if (!wantsLater(answer)) return answer;
        failure = this.#refusal(answer);
        const wanted = Number(answer.headers.get('retry-after') ?? 0) * 1_000;
        if (wanted > 0) delayMs = wanted;
      } catch (error) {
        signal.throwIfAborted();
        if (!isOdometerError(error, 'target_unavailable')) throw error;
        failure = error;
      }
      if (made === ATTEMPTS || delayMs > LONGEST_DELAY_MS) throw failure;
      await wait(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  #refusal({ status, body }: OciAnswer): OdometerError {
    const said = firstError(body);
    const params = {
      target: this.target,
      reason: said === undefined ? `HTTP ${status}` : `HTTP ${status}: ${said}`,
    };
    if (status === 401 || status === 403) return new OdometerError('target_denied', params);
    if (status === 429) return new OdometerError('target_throttled', params);
    if (status >= 500) return new OdometerError('target_unavailable', params);
    return new OdometerError('target_invalid', params);
  }
}

/** `{"errors": [{"code": "DENIED", "message": "…"}]}`, as the specification has it. */
function firstError(body: Buffer): string | undefined {
  const match = /"code"\s*:\s*"([A-Z_]{1,64})"/.exec(body.toString('utf8', 0, 4_096));
  return match?.[1];
}
