import type { IncomingHttpHeaders } from 'node:http';
import { OdometerError } from '@odometer/domain/errors';
import type { HmacWebhook, WebhookDeclaration } from '@odometer/domain/webhook-declaration';
import { hasToken, isSigned } from '@odometer/service-kit/http/webhook-credentials';

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
    webhook.kind === 'hmac'
      ? isSigned(webhook.signature, secretOf(webhook, env), headers, body)
      : hasToken(webhook.tokenHash, headers.authorization);
  if (!genuine) throw new OdometerError('webhook_unauthorized', {});
}

function secretOf({ name, secretEnv }: HmacWebhook, env: NodeJS.ProcessEnv): string {
  const secret = env[secretEnv];
  if (secret === undefined || secret === '') {
    throw new OdometerError('webhook_secret_missing', { webhook: name });
  }
  return secret;
}
