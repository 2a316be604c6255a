import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiKey } from '@odometer/database/api-keys';
import { OdometerError } from '@odometer/domain/errors';
import { authorize, type KeysByHash } from '@odometer/service-kit/http/api-keys';
import type { CachedTable } from '@odometer/service-kit/http/cached-table';
import { sendError, sendProblem, statusOf } from '@odometer/service-kit/http/problem';
import { ClientGone } from '@odometer/service-kit/http/read-body';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { ApiMetrics } from '../metrics.ts';
import { failureOf } from './failure.ts';
import { parsePart, readJsonBody } from './parse-request.ts';
import { queryShape, readQuery } from './query-string.ts';
import type { Answer, AnyRoute, ApiParts, Caller } from './route.ts';

/** Where the OpenAPI document is; it needs no key, because it says nothing of anybody. */
export const DOCUMENT_PATH = '/api/v1/openapi.json';

export interface HttpContext {
  readonly routes: readonly AnyRoute[];
  readonly document: unknown;
  readonly keys: CachedTable<KeysByHash<ApiKey>>;
  readonly parts: ApiParts;
  readonly metrics: ApiMetrics;
  readonly statementTimeoutMs: number;
  readonly log: Logger;
}

type Handler = (request: Request, response: Response) => Promise<void>;

/** The routes, and a problem for everything else. */
export function createApp(context: HttpContext): Express {
  const { routes, log } = context;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // A trailing slash, or another case, is another address.
  app.enable('strict routing');
  app.enable('case sensitive routing');
  // Routes read the query string themselves.
  app.set('query parser', false);
  for (const route of routes) {
    const name = `${route.method.toUpperCase()} ${route.path}`;
    app[route.method](route.path, observed(context, name, routeHandler(context, route)));
  }
  const document = JSON.stringify(context.document);
  app.get(
    DOCUMENT_PATH,
    observed(context, `GET ${DOCUMENT_PATH}`, async (_, response) =>
      send(response, { status: 200, text: document, contentType: 'application/json' }),
    ),
  );
  for (const [path, methods] of methodsByPath(routes)) {
    const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].sort();
    app.all(
      path,
      observed(context, 'other', async (_, response) => {
        response.setHeader('Allow', allowed.join(', '));
        sendProblem(response, 405, `this address takes ${allowed.join(', ')}`);
      }),
    );
  }
  app.use(
    observed(context, 'other', async () => {
      throw new OdometerError('route_not_found', {});
    }),
  );
  // What express itself refuses: a path that cannot be decoded, for instance.
  app.use((error: { status?: number }, _: Request, response: Response, __: NextFunction) => {
    if (error.status !== 400) log.error({ event: 'request_failed', error });
    sendProblem(response, error.status === 400 ? 400 : 500, 'the request cannot be read');
  });
  return app;
}

function methodsByPath(routes: readonly AnyRoute[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>([[DOCUMENT_PATH, ['GET']]]);
  for (const { path, method } of routes) {
    methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
  }
  return methods;
}

function routeHandler(context: HttpContext, route: AnyRoute): Handler {
  const shape = queryShape(route.query);
  return async (request, response) => {
    const key = authorize(context.keys.value, request.headers.authorization, route.scope);
    const params = parsePart(route.params, request.params, 'the path');
    const query = parsePart(route.query, readQuery(searchOf(request), shape), 'the query');
    const body =
      route.body === undefined
        ? undefined
        : parsePart(route.body, await readJsonBody(request), 'the body');
    const { accept } = request.headers;
    const answer = await route.handle(
      { params, query, body, caller: callerOf(key), accept },
      context.parts,
    );
    send(response, answer);
  };
}

function searchOf(request: IncomingMessage): string {
  const url = request.url ?? '';
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}

function callerOf({ id, name, organization, scopes }: ApiKey): Caller {
  return { keyId: id, name, organization, scopes };
}

function send(response: ServerResponse, answer: Answer): void {
  if (answer.status === 204) {
    response.writeHead(204);
    response.end();
    return;
  }
  const [text, contentType] =
    'json' in answer
      ? [JSON.stringify(answer.json), 'application/json']
      : [answer.text, answer.contentType];
  response.writeHead(answer.status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
    // What one key may see another may not.
    'Cache-Control': 'no-store',
  });
  response.end(text);
}

/** Runs a handler; answers what it throws; observes how long it took once the outcome is known. */
function observed(
  { metrics, log, statementTimeoutMs }: HttpContext,
  route: string,
  handler: Handler,
): Handler {
  metrics.expectRoute(route);
  return async (request, response) => {
    const startedAtMs = performance.now();
    let gone = false;
    try {
      await handler(request, response);
      gone = response.destroyed;
    } catch (error) {
      gone = error instanceof ClientGone || response.destroyed;
      const failure = failureOf(error, statementTimeoutMs);
      const status = statusOf(failure);
      if (status === 500) log.error({ event: 'request_failed', route, error });
      else if (status === 503) log.warn({ event: 'request_unavailable', route, error });
      if (!gone) {
        // Nobody reads the rest of a body that was refused.
        if (!request.complete && status === 413) response.setHeader('Connection', 'close');
        sendError(response, failure);
      }
    }
    const seconds = (performance.now() - startedAtMs) / 1_000;
    metrics.observeRequest(route, gone ? 0 : response.statusCode, seconds);
  };
}
