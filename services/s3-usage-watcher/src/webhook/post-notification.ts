import type { IncomingMessage, ServerResponse } from 'node:http';
import { OdometerError } from '@odometer/domain/errors';
import { sendProblem } from '@odometer/service-kit/http/problem';
import { readBody, UnreadBody } from '@odometer/service-kit/http/read-body';
import type { DeclaredBucket } from '../buckets/read-buckets.ts';
import type { NotificationIntake } from '../intake/notification-intake.ts';
import { authenticateSender } from './authenticate-sender.ts';
import { withinDeadline } from './within-deadline.ts';

export interface NotificationContext {
  readonly intake: NotificationIntake;
  readonly env: NodeJS.ProcessEnv;
  readonly maxBodyBytes: number;
  readonly confirmDeadlineMs: number;
}

/**
 * `POST /webhooks/storage/{path}`: 200 when all that the notification says is durable. A record that cannot be read, or not be
 * believed, does not hold back the others, and sending it again would not help: it is kept as refused, and counted in the answer.
 *
 * @throws OdometerError what the edge turns into 401 or 503; the store sends it again then, which changes nothing twice.
 */
export async function postNotification(
  { intake, env, maxBodyBytes, confirmDeadlineMs }: NotificationContext,
  sharing: readonly DeclaredBucket[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, maxBodyBytes);
  if (body instanceof UnreadBody) {
    if (!request.complete) response.setHeader('Connection', 'close');
    sendProblem(response, body.code === 'too_large' ? 413 : 400, body.reason);
    return;
  }
  const buckets = authenticateSender(sharing, request.headers, body, env);
  const full = intake.fullBecause(buckets);
  if (full !== undefined) throw new OdometerError('ingest_unavailable', { reason: full });
  const taken = await withinDeadline(
    intake.take('webhook', body.toString(), buckets),
    confirmDeadlineMs,
  );
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(taken));
}
