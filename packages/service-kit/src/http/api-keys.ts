import { hash } from 'node:crypto';
import { OdometerError } from '@odometer/domain/errors';

/** What of an API key matters here; the row of Postgres has more. */
interface Key {
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  readonly scopes: readonly string[];
  readonly revokedAt: Date | null;
}

/** Keys that are not revoked, by the SHA-256 of their secret in hex. */
export type KeysByHash<K extends Key> = ReadonlyMap<string, K>;

const BEARER = /^Bearer +(\S+) *$/i;

/** Those of all keys that are in force. */
export function keysByHash<K extends Key>(keys: readonly K[]): KeysByHash<K> {
  return new Map(keys.filter(({ revokedAt }) => revokedAt === null).map((key) => [key.hash, key]));
}

/**
 * Finds the key of a request. The secret's hash is looked up, so how long that takes says nothing about the secret.
 *
 * @param keys undefined when they have not been read yet.
 * @param authorization the request's header.
 * @param scope what the request needs; the scope `admin` includes all others.
 * @throws OdometerError `key_unknown`, `scope_missing`, or `keys_not_loaded`.
 */
export function authorize<K extends Key>(
  keys: KeysByHash<K> | undefined,
  authorization: string | undefined,
  scope: string,
): K {
  if (keys === undefined) throw new OdometerError('keys_not_loaded', {});
  const secret = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
  const key = secret === undefined ? undefined : keys.get(hash('sha256', secret));
  if (key === undefined) throw new OdometerError('key_unknown', {});
  if (!key.scopes.includes(scope) && !key.scopes.includes('admin')) {
    throw new OdometerError('scope_missing', { scope });
  }
  return key;
}
