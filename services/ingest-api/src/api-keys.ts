import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiKey, listApiKeys, type Scope } from '@odometer/database/api-keys';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import type { Logger } from 'pino';

const BEARER = /^Bearer +(\S+) *$/i;

/**
 * The API keys, by the hash of their secret, as last read from Postgres.
 *
 *   empty (every request is answered with 503) ──first read──▶ loaded, refreshed regularly ──stop()──▶ stopped
 *
 * While Postgres is away the keys that are known stay good: usage must not be lost because a key cannot be looked up. So
 * a key that is revoked is refused within the refresh interval, or when Postgres is back.
 */
export class ApiKeys {
  readonly name = 'api-keys';
  readonly #pool: Pool;
  readonly #refreshMs: number;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #byHash: ReadonlyMap<string, ApiKey> | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(pool: Pool, refreshMs: number, log: Logger) {
    this.#pool = pool;
    this.#refreshMs = refreshMs;
    this.#log = log;
  }

  get isLoaded(): boolean {
    return this.#byHash !== undefined;
  }

  /**
   * @param authorization the request's header. The secret's hash is looked up, so the time it takes says nothing about it.
   * @throws OdometerError `key_unknown`, `scope_missing`, or `keys_not_loaded`.
   */
  authorize(authorization: string | undefined, scope: Scope): ApiKey {
    if (this.#byHash === undefined) throw new OdometerError('keys_not_loaded', {});
    const secret = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    const key = secret === undefined ? undefined : this.#byHash.get(hash('sha256', secret));
    if (key === undefined) throw new OdometerError('key_unknown', {});
    if (!key.scopes.includes(scope) && !key.scopes.includes('admin')) {
      throw new OdometerError('scope_missing', { scope });
    }
    return key;
  }

  async start(): Promise<void> {
    if (this.#abort.signal.aborted || this.#refreshing !== undefined) return;
    await this.#refresh();
    this.#refreshing = this.#refreshRegularly();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#refreshing;
  }

  async #refreshRegularly(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await sleep(this.#refreshMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#refresh();
    }
  }

  async #refresh(): Promise<void> {
    try {
      const keys = await listApiKeys(this.#pool);
      this.#byHash = new Map(
        keys.filter(({ revokedAt }) => revokedAt === null).map((key) => [key.hash, key]),
      );
    } catch (error) {
      this.#log.warn({ event: 'api_keys_refresh_failed', error });
    }
  }
}
