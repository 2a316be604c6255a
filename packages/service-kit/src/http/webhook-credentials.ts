import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a sender's `Authorization` is the token of which only the hash is kept. Senders put the header as it was typed in,
 * with or without a `Bearer`.
 *
 * @param tokenHash SHA-256, in hex.
 */
export function hasToken(tokenHash: string, authorization: string | undefined): boolean {
  if (authorization === undefined) return false;
  const bare = authorization.replace(/^Bearer +/i, '');
  const expected = Buffer.from(tokenHash, 'hex');
  return [authorization, bare].some((token) =>
    timingSafeEqual(hash('sha256', token, 'buffer'), expected),
  );
}

/** Where a sender puts the HMAC-SHA-256 of the body, and in which form. */
export interface SignatureForm {
  /** In lower case. */
  readonly header: string;
  /** What comes before it in the header; may be empty. */
  readonly prefix: string;
  readonly encoding: 'hex' | 'base64';
}

/** @param body as it arrived: a signature covers bytes, not their meaning. */
export function isSigned(
  { header, prefix, encoding }: SignatureForm,
  secret: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
): boolean {
  const given = headers[header];
  if (typeof given !== 'string' || !given.startsWith(prefix)) return false;
  const actual = Buffer.from(given.slice(prefix.length), encoding);
  const expected = createHmac('sha256', secret).update(body).digest();
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
