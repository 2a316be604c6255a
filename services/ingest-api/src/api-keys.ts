import { hash } from 'node:crypto';
import { type ApiKey, listApiKeys, type Scope } from '@odometer/database/api-keys';
import type { Queryable } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';

/** Keys that are not revoked, by the SHA-256 of their secret in hex. */
export type KeysByHash = ReadonlyMap<string, ApiKey>;

const BEARER = /^Bearer +(\S+) *$/i;

export async function readApiKeys(db: Queryable): Promise<KeysByHash> {
  const keys = await listApiKeys(db);
  return new Map(keys.filter(({ revokedAt }) => revokedAt === null).map((key) => [key.hash, key]));
}

/**
 * Finds the key of a request. The secret's hash is looked up, so how long that takes says nothing about the secret.
 *
 * @param keys undefined when they have not been read yet.
 * @param authorization the request's header.
 * @throws OdometerError `key_unknown`, `scope_missing`, or `keys_not_loaded`.
 */
export function authorize(
  keys: KeysByHash | undefined,
  authorization: string | undefined,
  scope: Scope,
): ApiKey {
  if (keys === undefined) throw new OdometerError('keys_not_loaded', {});
  const secret = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
  const key = secret === undefined ? undefined : keys.get(hash('sha256', secret));
  if (key === undefined) throw new OdometerError('key_unknown', {});
  if (!key.scopes.includes(scope) && !key.scopes.includes('admin')) {
    throw new OdometerError('scope_missing', { scope });
  }
  return key;
}
