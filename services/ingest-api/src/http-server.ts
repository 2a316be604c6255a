import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import type { Component } from '@odometer/service-kit/component';
import { authorize } from '@odometer/service-kit/http/api-keys';
import { sendError, sendProblem, statusOf } from '@odometer/service-kit/http/problem';
import { publicPort } from '@odometer/service-kit/http/public-port';
import { ClientGone } from '@odometer/service-kit/http/read-body';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { getEvents } from './get-events.ts';
import type { IngestMetrics, Route } from './metrics.ts';
import { type IngestContext, postEvents } from './post-events.ts';
import { postWebhook, type WebhookContext } from './webhooks/post-webhook.ts';

const EVENTS_PATH = '/api/v1/events';

export interface HttpContext {
  readonly events: IngestContext;
  readonly webhooks: WebhookContext;
  readonly pool: Pool;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The public routes except the hot one, which does not pass through express: its routing costs as much as the intake. */
function createApp(context: HttpContext): Express {
  const { pool, events, webhooks } = context;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // A trailing slash is another address, for GET as for the hot route.
  app.enable('strict routing');
  app.get(
    EVENTS_PATH,
    observed(context, 'get_events', async (request, response) => {
      const key = authorize(events.keys.value, request.headers.authorization, 'read');
      const found = await getEvents(pool, queryOf(request), key.organization);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(found));
    }),
  );
  app.post('/webhooks/:name', (request, response) =>
    observed(context, 'webhook', () =>
      postWebhook(webhooks, request.params.name, request, response),
    )(request, response),
  );
  app.use(
    observed(context, 'other', async (request, response) => {
      if (request.url?.split('?')[0] === EVENTS_PATH) {
        response.setHeader('Allow', 'GET, POST');
        sendProblem(response, 405, 'this address takes GET and POST');
        return;
      }
      throw new OdometerError('route_not_found', {});
    }),
  );
  // What express itself refuses: a path that cannot be decoded, for instance.
  app.use((error: { status?: number }, _: Request, response: Response, __: NextFunction) => {
    sendProblem(response, error.status === 400 ? 400 : 500, 'the request cannot be read');
  });
  return app;
}

function queryOf(request: IncomingMessage): ReturnType<typeof parseQuery> {
  const url = request.url ?? '';
  const mark = url.indexOf('?');
  return mark === -1 ? {} : parseQuery(url.slice(mark + 1));
}

/** Runs a handler; answers what it throws; observes how long it took once the outcome is known. */
function observed({ metrics, log }: HttpContext, route: Route, handler: Handler): Handler {
  return async (request, response) => {
    const startedAtMs = performance.now();
    let gone = false;
    try {
      await handler(request, response);
    } catch (error) {
      gone = error instanceof ClientGone;
      if (!gone) {
        if (statusOf(error) === 500) log.error({ event: 'request_failed', route, error });
        sendError(response, error);
      }
    }
    const seconds = (performance.now() - startedAtMs) / 1_000;
    metrics.observeRequest(route, gone ? 0 : response.statusCode, seconds);
  };
}

/** The public port, with the hot route before express. */
export function httpServer(
  context: HttpContext,
  listen: { readonly host: string; readonly port: number },
): Component {
  const app = createApp(context);
  const hot = observed(context, 'post_events', (request, response) =>
    postEvents(context.events, request, response),
  );
  return publicPort({
    ...listen,
    log: context.log,
    onRequest: (request, response) => {
      if (request.method === 'POST' && isEventsPath(request.url)) void hot(request, response);
      else app(request, response);
    },
  });
}

function isEventsPath(url: string | undefined): boolean {
  return url === EVENTS_PATH || url?.startsWith(`${EVENTS_PATH}?`) === true;
}
