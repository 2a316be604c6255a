import type { IncomingHttpHeaders } from 'node:http';
import { OdometerError } from '@odometer/domain/errors';
import { hasToken, isSigned } from '@odometer/service-kit/http/webhook-credentials';
import type { DeclaredBucket } from '../buckets/read-buckets.ts';

/**
 * For which of the buckets that share an address the sender may speak: those whose token or signature it has. A store that
 * knows one bucket's secret says nothing of another's.
 *
 * @param body as it arrived: a signature covers bytes, not their meaning.
 * @param env where secrets are that are needed in clear.
 * @throws OdometerError `webhook_unauthorized` when it may speak for none, or `webhook_secret_missing` (503, so that it comes
 *   again) when it might if we had the secret.
 */
export function authenticateSender(
  sharing: readonly DeclaredBucket[],
  headers: IncomingHttpHeaders,
  body: Buffer,
  env: NodeJS.ProcessEnv,
): readonly DeclaredBucket[] {
  let withoutSecret: string | undefined;
  const spokenFor = sharing.filter(({ declaration: { name, notifications } }) => {
    if (notifications.kind !== 'webhook') return false;
    const { tokenHash, signature } = notifications;
    if (tokenHash !== undefined) return hasToken(tokenHash, headers.authorization);
    if (signature === undefined) return false;
    const secret = env[signature.secretEnv];
    if (secret !== undefined && secret !== '') return isSigned(signature, secret, headers, body);
    withoutSecret = name;
    return false;
  });
  if (spokenFor.length > 0) return spokenFor;
  if (withoutSecret !== undefined) {
    throw new OdometerError('webhook_secret_missing', { webhook: withoutSecret });
  }
  throw new OdometerError('webhook_unauthorized', {});
}
