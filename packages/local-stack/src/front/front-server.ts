import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';

/** Requests whose path is `path` or below it go to this loopback port; `/` is above all. The longest that fits wins. */
export interface Route {
  readonly path: string;
  readonly port: number;
}

/** Headers that belong to one connection, not to the message (RFC 9110 §7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
];

function problem(response: ServerResponse, status: number, title: string, detail: string): void {
  if (response.headersSent) {
    // The status is gone already: only a broken connection can still say that the body is not whole.
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(JSON.stringify({ type: 'about:blank', title, status, detail }));
}

function endToEnd(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}

/**
 * The one public address: passes each request to the service whose path it is, as an Ingress does in
 * a cluster. Bodies stream both ways; nothing is kept, nothing is tried twice. A service that is away
 * is a 503 with `Retry-After`: whoever sends usage keeps it and sends it again.
 */
export function createFront(routes: readonly Route[]): Server {
  const agent = new Agent({ keepAlive: true });
  const longestFirst = [...routes]
    .sort((a, b) => b.path.length - a.path.length)
    .map(({ path, port }) => ({ path: path.replace(/\/$/, ''), port }));
  return createServer((incoming, response) => {
    const path = (incoming.url ?? '/').replace(/[?#].*$/, '');
    const route = longestFirst.find(
      (each) => path === each.path || path.startsWith(`${each.path}/`),
    );
    if (route === undefined) {
      incoming.resume();
      problem(response, 404, 'Not Found', `Nothing is served at ${path}`);
      return;
    }
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port: route.port,
      method: incoming.method,
      path: incoming.url,
      headers: {
        ...endToEnd(incoming.headers),
        'x-forwarded-for': incoming.socket.remoteAddress ?? '',
        // Unknown length: chunked again on this side.
        ...(incoming.headers['transfer-encoding'] === undefined
          ? {}
          : { 'transfer-encoding': 'chunked' }),
      },
    });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', () =>
      problem(response, 503, 'Service Unavailable', 'The service behind this path does not answer'),
    );
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
}
