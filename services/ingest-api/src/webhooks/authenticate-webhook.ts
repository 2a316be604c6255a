import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { OdometerError } from '@odometer/domain/errors';
import type {
  Auth0Webhook,
  HmacWebhook,
  WebhookDeclaration,
} from '@odometer/domain/webhook-declaration';

/**
 * Whether a delivery comes from whom the declaration says.
 *
 * @param body as it arrived: a signature covers bytes, not their meaning.
 * @param env where secrets are that are needed in clear.
 * @throws OdometerError `webhook_unauthorized`, or `webhook_secret_missing` (503, so that the sender comes again).
 */
export function authenticateWebhook(
  webhook: WebhookDeclaration,
  headers: IncomingHttpHeaders,
  body: Buffer,
  env: NodeJS.ProcessEnv,
): void {
  const genuine =
    webhook.kind === 'auth0'
      ? hasToken(webhook, headers.authorization)
      : isSigned(webhook, headers, body, env);
  if (!genuine) throw new OdometerError('webhook_unauthorized', {});
}

/** Auth0 sends the header as it was typed in, with or without a `Bearer`. */
function hasToken({ tokenHash }: Auth0Webhook, authorization: string | undefined): boolean {
  if (authorization === undefined) return false;
  const bare = authorization.replace(/^Bearer +/i, '');
  const expected = Buffer.from(tokenHash, 'hex');
  return [authorization, bare].some((token) =>
    timingSafeEqual(hash('sha256', token, 'buffer'), expected),
  );
}

function isSigned(
  { name, secretEnv, signature }: HmacWebhook,
  headers: IncomingHttpHeaders,
  body: Buffer,
  env: NodeJS.ProcessEnv,
): boolean {
  const secret = env[secretEnv];
  if (secret === undefined || secret === '') {
    throw new OdometerError('webhook_secret_missing', { webhook: name });
  }
  const { header, prefix, encoding, algorithm } = signature;
  const given = headers[header];
  if (typeof given !== 'string' || !given.startsWith(prefix)) return false;
  const actual = Buffer.from(given.slice(prefix.length), encoding);
  const expected = createHmac(algorithm, secret).update(body).digest();
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
