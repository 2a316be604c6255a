import type { IncomingMessage, ServerResponse } from 'node:http';
import { OdometerError } from '@odometer/domain/errors';
import { webhookRecords } from '@odometer/domain/webhook-records';
import type { Backlog } from '@odometer/intake/backlog';
import type { IngestBooks, RefusalCode } from '@odometer/intake/refusal';
import { sortRecords } from '@odometer/intake/sort-records';
import type { EventBounds } from '@odometer/intake/validate-event';
import type { CachedTable } from '@odometer/service-kit/http/cached-table';
import { sendProblem } from '@odometer/service-kit/http/problem';
import { readBody, UnreadBody } from '@odometer/service-kit/http/read-body';
import type { Logger } from 'pino';
import { acceptEvents } from '../accept-events.ts';
import type { EventBatcher } from '../event-batcher.ts';
import { authenticateWebhook } from './authenticate-webhook.ts';
import type { WebhooksByName } from './read-webhooks.ts';

export interface WebhookContext {
  readonly webhooks: CachedTable<WebhooksByName>;
  readonly env: NodeJS.ProcessEnv;
  readonly books: IngestBooks;
  readonly batcher: EventBatcher;
  readonly backlog: Backlog<'events'>;
  readonly bounds: EventBounds;
  readonly maxBodyBytes: number;
  readonly defaultOrganization: string;
  readonly log: Logger;
  /** Told how many records were of no interest. */
  readonly onIgnored: (records: number) => void;
}

/**
 * `POST /webhooks/{name}`. Records are taken one by one: one that cannot be mapped must not hold back the logins beside
 * it, and sending it again would not help. So the answer is 200 with how many of each, once what was taken is durable.
 * Ignored records are no items and in no books.
 *
 * @throws OdometerError what the edge turns into 401, 404 or 503; the sender's redelivery then counts once.
 */
export async function postWebhook(
  context: WebhookContext,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { books, log } = context;
  const declared = context.webhooks.value;
  if (declared === undefined) throw new OdometerError('keys_not_loaded', {});
  const webhook = declared.get(name);
  if (webhook === undefined) throw new OdometerError('webhook_unknown', {});
  const body = await readBody(request, context.maxBodyBytes);
  if (body instanceof UnreadBody) {
    if (!request.complete) response.setHeader('Connection', 'close');
    sendProblem(response, body.code === 'too_large' ? 413 : 400, body.reason);
    return;
  }
  authenticateWebhook(webhook, request.headers, body, context.env);

  const records = webhookRecords(body.toString());
  if (records === undefined) {
    books.receive(1);
    books.reject('malformed');
    sendProblem(response, 400, 'the body is neither JSON nor JSON lines');
    return;
  }
  const { events, rejected, rejectedCount, ignored } = sortRecords(webhook, records, {
    ...context,
    nowMs: Date.now(),
  });
  books.receive(events.length + rejectedCount);
  context.onIgnored(ignored);
  if (rejectedCount > 0) {
    for (const [code, count] of Object.entries(rejected)) books.reject(code as RefusalCode, count);
    log.warn({ event: 'webhook_records_rejected', webhook: name, rejected });
  }
  await acceptEvents(context, events, body.length);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ accepted: events.length, ignored, rejected: rejectedCount }));
}
