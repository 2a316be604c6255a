import { OdometerError } from '@odometer/domain/errors';
import { type OciAnswer, wantsLater } from './send-once.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

type FetchToken = (
  realm: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<OciAnswer>;

/** One for each repository; of a registry with more the oldest are asked for again. */
const MAX_SCOPES = 1_000;

/**
 * What a registry wants to see in `Authorization`, learned from its challenges and remembered by scope.
 * https://distribution.github.io/distribution/spec/auth/token/
 *
 *   nothing ──401 Basic──▶ user and password, always
 *   nothing ──401 Bearer──▶ a token for this scope ──401 (expired)──▶ a new token
 */
export class OciAuthorization {
  readonly #target: string;
  readonly #registry: URL;
  readonly #basic: string | undefined;
  readonly #fetchToken: FetchToken;
  readonly #tokens = new Map<string, string>();
  #wantsBasic = false;

  constructor(
    target: string,
    registry: URL,
    credentials: Credentials | undefined,
    fetchToken: FetchToken,
  ) {
    this.#target = target;
    this.#registry = registry;
    this.#basic =
      credentials === undefined
        ? undefined
        : `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
    this.#fetchToken = fetchToken;
  }

  header(scope: string): string | undefined {
    return this.#wantsBasic ? this.#basic : this.#tokens.get(scope);
  }

  /**
   * Does what a challenge wants.
   *
   * @returns `renewed`: ask again; `refused`: there is nothing more to show; or the answer of where tokens come from, which
   *   wants to be asked later.
   * @throws OdometerError `target_denied` when there is no token, `target_invalid` when it should come from a place that
   *   must not see credentials.
   */
  async renew(
    challenge: string,
    scope: string,
    signal: AbortSignal,
  ): Promise<'renewed' | 'refused' | OciAnswer> {
    const bearer = /\bBearer\s+(.*)$/i.exec(challenge)?.[1];
    if (bearer === undefined) {
      if (this.#basic === undefined || !/\bBasic\b/i.test(challenge)) return 'refused';
      this.#wantsBasic = true;
      return 'renewed';
    }
    const params = new Map(
      [...bearer.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    );
    const realm = this.#realm(params.get('realm') ?? '');
    realm.searchParams.set('scope', params.get('scope') ?? scope);
    const service = params.get('service');
    if (service !== undefined) realm.searchParams.set('service', service);
    const headers = this.#basic === undefined ? {} : { Authorization: this.#basic };
    const answer = await this.#fetchToken(realm, headers, signal);
    if (wantsLater(answer)) return answer;
    const token = answer.status === 200 ? tokenOf(answer.body) : undefined;
    if (token === undefined) {
      const reason = `there is no token for ${scope}: HTTP ${answer.status}`;
      throw new OdometerError('target_denied', { target: this.#target, reason });
    }
    if (this.#tokens.size >= MAX_SCOPES) this.#tokens.clear();
    this.#tokens.set(scope, `Bearer ${token}`);
    return 'renewed';
  }

  /** Another host is as usual as TLS is then: without it, credentials go to no host but the registry's own. */
  #realm(text: string): URL {
    const realm = URL.canParse(text) ? new URL(text) : undefined;
    const isSafe =
      realm?.protocol === 'https:' ||
      (realm?.protocol === 'http:' && realm.hostname === this.#registry.hostname);
    if (
      realm === undefined ||
      !isSafe ||
      (this.#registry.protocol === 'https:' && realm.protocol !== 'https:')
    ) {
      const reason = 'its tokens come from where credentials must not be sent';
      throw new OdometerError('target_invalid', { target: this.#target, reason });
    }
    return realm;
  }
}

function tokenOf(body: Buffer): string | undefined {
  try {
    const answer: unknown = JSON.parse(body.toString());
    if (typeof answer !== 'object' || answer === null) return undefined;
    const token: unknown = Reflect.get(answer, 'token') ?? Reflect.get(answer, 'access_token');
    // What could end a header is no token.
    return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
  } catch {
    return undefined;
  }
}
