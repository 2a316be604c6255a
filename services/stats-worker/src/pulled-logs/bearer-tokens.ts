import { OdometerError } from '@odometer/domain/errors';
import type { PulledLogDeclaration } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import { askOnce } from './ask-once.ts';
import { refusalOf } from './refusal-of.ts';

type Authorization = PulledLogDeclaration['authorization'];

interface KnownToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

const MAX_ANSWER_BYTES = 65_536;
/** A token that ends in the middle of a reading costs a request more. */
const RENEWED_BEFORE_MS = 60_000;
/** RFC 6749 only recommends to say how long; a refused one is renewed anyway. */
const UNSAID_LIFE_MS = 3_600_000;

/**
 * Tokens of this process, by what they are for.
 *
 *   none ──asked for──▶ known ──a minute before its end, or refused──▶ none
 */
export class BearerTokens {
  readonly #env: NodeJS.ProcessEnv;
  readonly #known = new Map<string, KnownToken>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /**
   * @returns what belongs after `Bearer`.
   * @throws OdometerError `target_denied`: there is none; `target_…` as the token's server answers.
   */
  async get(target: string, declared: Authorization, signal: AbortSignal): Promise<string> {
    if (declared.type === 'bearer') return this.#secret(target, declared.tokenEnv);
    const key = JSON.stringify(declared);
    const known = this.#known.get(key);
    if (known !== undefined && known.expiresAtMs > Date.now()) return known.token;
    const token = await this.#ask(target, declared, signal);
    this.#known.set(key, token);
    return token.token;
  }

  /** A token was refused. @returns whether another one may be had. */
  forget(declared: Authorization): boolean {
    return declared.type === 'client-credentials' && this.#known.delete(JSON.stringify(declared));
  }

  async #ask(
    target: string,
    declared: Extract<Authorization, { type: 'client-credentials' }>,
    signal: AbortSignal,
  ): Promise<KnownToken> {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: this.#secret(target, declared.clientIdEnv),
      client_secret: this.#secret(target, declared.clientSecretEnv),
    });
    if (declared.audience !== undefined) form.set('audience', declared.audience);
    if (declared.scope !== undefined) form.set('scope', declared.scope);
    const askedAtMs = Date.now();
    const question = {
      url: new URL(declared.tokenUrl),
      headers: {},
      form,
      maxBytes: MAX_ANSWER_BYTES,
    };
    const answer = await askOnce(target, question, signal);
    if (answer.status !== 200) throw refusalOf(target, answer, 'there is no token for us: ');
    const { access_token: token, expires_in: lifeS } = members(answer.body);
    // What could end a header is no token.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
      const reason = 'where its tokens come from answers without an access_token';
      throw new OdometerError('target_invalid', { target, reason });
    }
    const lifeMs = typeof lifeS === 'number' && lifeS > 0 ? lifeS * 1_000 : UNSAID_LIFE_MS;
    return { token, expiresAtMs: askedAtMs + lifeMs - Math.min(RENEWED_BEFORE_MS, lifeMs / 2) };
  }

  #secret(target: string, variable: string): string {
    const secret = this.#env[variable];
    if (secret !== undefined && /^[\x21-\x7e]+$/.test(secret)) return secret;
    const reason = `${variable} is not in the worker's environment`;
    throw new OdometerError('target_denied', { target, reason });
  }
}

function members(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(body.toString());
    return typeof answer === 'object' && answer !== null ? { ...answer } : {};
  } catch {
    return {};
  }
}
