import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiKey } from '@odometer/database/api-keys';
import { OdometerError } from '@odometer/domain/errors';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { Backlog } from '@odometer/intake/backlog';
import { type IngestBooks, Refusal } from '@odometer/intake/refusal';
import { type EventBounds, validateEvent } from '@odometer/intake/validate-event';
import { authorize, type KeysByHash } from '@odometer/service-kit/http/api-keys';
import type { CachedTable } from '@odometer/service-kit/http/cached-table';
import { sendProblem } from '@odometer/service-kit/http/problem';
import { readBody, UnreadBody } from '@odometer/service-kit/http/read-body';
import { acceptEvents } from './accept-events.ts';
import { decodeEvents } from './decode-events.ts';
import type { EventBatcher } from './event-batcher.ts';
import type { RateLimit } from './rate-limit.ts';

/** Design §6. A client with more to say splits it, and gains: each part is grouped with others' anyway. */
const MAX_EVENTS_PER_REQUEST = 1_000;

/** Bad indexes that a problem names. Enough to see the pattern; a thousand sentences help nobody. */
const MAX_REASONS = 100;

const PREFERS_REPRESENTATION = /(?:^|[,;\s])return\s*=\s*"?representation"?(?:$|[,;\s])/i;

export interface IngestContext {
  readonly keys: CachedTable<KeysByHash<ApiKey>>;
  readonly rateLimit: RateLimit;
  readonly eventsPerSecond: number;
  readonly books: IngestBooks;
  readonly batcher: EventBatcher;
  readonly backlog: Backlog<'events'>;
  readonly bounds: EventBounds;
  readonly maxBodyBytes: number;
  readonly defaultOrganization: string;
}

interface RejectedItem {
  readonly index: number;
  readonly reason: string;
}

/**
 * `POST /api/v1/events`. All or nothing: 204 when every event is durable, or a problem that names every bad index and
 * nothing is taken. With `Prefer: return=representation` item by item: 200 with how many are durable and which are
 * refused. A duplicate is accepted like any other event: who sends it again must not be told otherwise.
 *
 * @throws OdometerError what the edge turns into 401, 403, 429 or 503.
 */
export async function postEvents(
  context: IngestContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { keys, rateLimit, books, bounds } = context;
  const { headers } = request;
  const key = authorize(keys.value, headers.authorization, 'ingest');
  const retryAfterSeconds = rateLimit.retryAfterSeconds(key.id);
  if (retryAfterSeconds > 0) {
    const error = new OdometerError('rate_limited', { eventsPerSecond: context.eventsPerSecond });
    sendProblem(response, 429, error.message, {
      retryAfterSeconds,
      extensions: { code: error.code },
    });
    return;
  }

  const body = await readBody(request, context.maxBodyBytes);
  const decoded = body instanceof UnreadBody ? body : decodeEvents(headers, body);
  if (decoded instanceof Refusal || decoded instanceof UnreadBody || body instanceof UnreadBody) {
    const { code, reason } = decoded as Refusal | UnreadBody;
    books.receive(1);
    books.reject(code);
    rateLimit.spend(key.id, 1);
    if (!request.complete) response.setHeader('Connection', 'close');
    sendProblem(response, code === 'too_large' ? 413 : 400, reason);
    return;
  }
  const { items, mayHoldBadText } = decoded;
  const total = items.length;
  books.receive(total);
  rateLimit.spend(key.id, total);
  if (total > MAX_EVENTS_PER_REQUEST) {
    books.reject('too_many_events', total);
    sendProblem(response, 413, `a request may hold up to ${MAX_EVENTS_PER_REQUEST} events`);
    return;
  }

  const events: EventEnvelope[] = [];
  const rejected: RejectedItem[] = [];
  let forbidden = 0;
  const requestContext = {
    organization: key.organization,
    defaultOrganization: context.defaultOrganization,
    nowMs: Date.now(),
    mayHoldBadText,
    mayBeTooLarge: body.length > bounds.maxEventBytes,
  };
  for (let index = 0; index < total; index += 1) {
    const event = validateEvent(items[index], bounds, requestContext);
    if (event instanceof Refusal) {
      books.reject(event.code);
      if (event.code === 'forbidden') forbidden += 1;
      rejected.push({ index, reason: event.reason });
    } else {
      events.push(event);
    }
  }

  const perItem =
    headers.prefer !== undefined && PREFERS_REPRESENTATION.test(String(headers.prefer));
  if (rejected.length > 0 && !perItem) {
    books.reject('request_refused', events.length);
    refuseAll(response, rejected, total, rejected.length === forbidden ? 403 : 400);
    return;
  }
  await acceptEvents(context, events, (body.length * events.length) / total);
  if (perItem) {
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Preference-Applied': 'return=representation',
    });
    response.end(JSON.stringify({ accepted: events.length, rejected }));
  } else {
    response.writeHead(204);
    response.end();
  }
}

function refuseAll(
  response: ServerResponse,
  rejected: readonly RejectedItem[],
  total: number,
  status: number,
): void {
  const [first] = rejected;
  const detail =
    total === 1
      ? (first?.reason ?? '')
      : `${rejected.length} of ${total} events are not acceptable, and none was accepted; the first is at index ${first?.index}: ${first?.reason}`;
  sendProblem(response, status, detail, {
    extensions: { invalid: rejected.slice(0, MAX_REASONS), invalidCount: rejected.length },
  });
}
