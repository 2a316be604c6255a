import type { IncomingMessage, ServerResponse } from 'node:http';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import type { Component } from '@odometer/service-kit/component';
import { sendError, sendProblem, statusOf } from '@odometer/service-kit/http/problem';
import { publicPort } from '@odometer/service-kit/http/public-port';
import { ClientGone } from '@odometer/service-kit/http/read-body';
import type { Logger } from 'pino';
import type { DeclaredBucket } from '../buckets/read-buckets.ts';
import type { WatcherMetrics } from '../metrics.ts';
import { type NotificationContext, postNotification } from './post-notification.ts';

const ADDRESS = /^\/webhooks\/storage\/([a-z0-9-]{1,63})\/?$/;

export interface HttpContext extends NotificationContext {
  /** By the last part of their address; undefined as long as the declarations have not been read. */
  readonly webhooks: () => ReadonlyMap<string, readonly DeclaredBucket[]> | undefined;
  readonly metrics: WatcherMetrics;
  readonly log: Logger;
}

/** The public port: one address for each declared path. */
export function httpServer(
  context: HttpContext,
  listen: { readonly host: string; readonly port: number },
): Component {
  return publicPort({
    ...listen,
    log: context.log,
    onRequest: (request, response) => void answer(context, request, response),
  });
}

/** Answers whatever comes, and observes how long it took once the outcome is known. */
async function answer(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { metrics, log } = context;
  const startedAtMs = performance.now();
  let gone = false;
  try {
    await route(context, request, response);
  } catch (error) {
    gone = error instanceof ClientGone;
    if (isOdometerError(error, 'webhook_unauthorized')) metrics.countUnauthorized();
    if (!gone) {
      if (statusOf(error) === 500) log.error({ event: 'request_failed', error });
      sendError(response, error);
    }
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  metrics.observeRequest(gone ? 0 : response.statusCode, seconds);
}

async function route(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = ADDRESS.exec((request.url ?? '').split('?', 1)[0] ?? '')?.[1];
  if (path === undefined) throw new OdometerError('route_not_found', {});
  const declared = context.webhooks();
  if (declared === undefined) {
    throw new OdometerError('ingest_unavailable', { reason: 'no declaration has been read yet' });
  }
  const buckets = declared.get(path);
  if (buckets === undefined) throw new OdometerError('webhook_unknown', {});
  switch (request.method) {
    case 'POST':
      return postNotification(context, buckets, request, response);
    case 'GET':
    case 'HEAD':
      // MinIO asks whether anybody is there before it sends, and takes anything but a 2xx for nobody.
      response.writeHead(200, { 'Content-Length': 0 });
      response.end();
      return;
    default:
      response.setHeader('Allow', 'POST, GET, HEAD');
      sendProblem(response, 405, 'this address takes POST');
  }
}
