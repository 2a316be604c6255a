import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A request as the server has read it. */
export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Of the JSON protocols of AWS, e.g. `ReceiveMessage`; empty otherwise. */
  readonly operation: string;
  /** 1 for the server's first request. */
  readonly number: number;
}

/** What becomes of a request. */
export type Answer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Accepted, read, and never answered. */
  | { readonly kind: 'hang' }
  /** The connection ends, after part of an answer if a body is given. */
  | { readonly kind: 'cut'; readonly body?: string }
  /** A byte at a time. */
  | { readonly kind: 'drip'; readonly body: string; readonly everyMs: number };

export type Script = (request: ServedRequest) => Answer | Promise<Answer>;

export interface MisbehavingServer {
  readonly url: string;
  /** In the order of their coming. */
  readonly requests: readonly ServedRequest[];
  /** How it behaves from now on. */
  script: Script;
  /** Cuts what is open, too. */
  close(): Promise<void>;
}

export const HANG: Answer = { kind: 'hang' };
export const CUT: Answer = { kind: 'cut' };

/** As of a proxy that fails in front of a store. */
export const GARBAGE: Answer = {
  kind: 'answer',
  status: 200,
  body: '<html><body>It works!<br></body>',
  headers: { 'content-type': 'text/html' },
};

/** As S3 answers. */
export function xml(body: string, status = 200): Answer {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${body}`;
  return { kind: 'answer', status, body: text, headers: { 'content-type': 'application/xml' } };
}

/** As S3 answers when it does not do what it is asked. */
export function xmlError(status: number, code: string, message = code): Answer {
  const text = `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>1</RequestId></Error>`;
  return xml(text, status);
}

/** As SQS and ECR answer. */
export function json(body: object, status = 200): Answer {
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  return { kind: 'answer', status, body: JSON.stringify(body), headers };
}

/** As SQS and ECR answer when they do not do what they are asked. */
export function jsonError(status: number, code: string, message = code): Answer {
  return json({ __type: `com.amazonaws#${code}`, message }, status);
}

export const SLOW_DOWN = xmlError(503, 'SlowDown', 'Please reduce your request rate.');
export const ACCESS_DENIED = xmlError(403, 'AccessDenied', 'Access Denied');
export const EXPIRED_TOKEN = xmlError(400, 'ExpiredToken', 'The provided token has expired.');
export const THROTTLING_EXCEPTION = jsonError(400, 'ThrottlingException', 'Rate exceeded');

/**
 * An HTTP server on a random loopback port that does to its clients what networks and services do, as its script says for
 * each request.
 */
export async function startMisbehavingServer(script: Script): Promise<MisbehavingServer> {
  const requests: ServedRequest[] = [];
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await read(incoming, requests.length + 1);
    requests.push(request);
    give(await served.script(request), response, request.method === 'HEAD');
  };
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      // The client went away while it sent, or the test's script is wrong: the client sees the reason.
      if (response.headersSent || !incoming.complete) response.destroy();
      else response.writeHead(501).end(String(error));
    });
  });
  await listen(server);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const served: MisbehavingServer = {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    script,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return served;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}

async function read(incoming: IncomingMessage, number: number): Promise<ServedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
  const operation = String(incoming.headers['x-amz-target'] ?? '').split('.');
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString(),
    operation: operation.at(-1) ?? '',
    number,
  };
}

function give(answer: Answer, response: ServerResponse, headOnly: boolean): void {
  if (answer.kind === 'hang') return;
  if (answer.kind === 'answer') {
    response.writeHead(answer.status, answer.headers).end(headOnly ? undefined : answer.body);
  } else if (answer.kind === 'cut') {
    if (answer.body === undefined) response.destroy();
    else {
      response.writeHead(200, { 'content-length': String(answer.body.length + 1_000) });
      response.write(answer.body, () => response.destroy());
    }
  } else {
    drip(answer.body, answer.everyMs, response);
  }
}

function drip(body: string, everyMs: number, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': String(Buffer.byteLength(body)) });
  const bytes = Buffer.from(body);
  let sent = 0;
  const timer = setInterval(() => {
    response.write(bytes.subarray(sent, ++sent));
    if (sent === bytes.length) response.end();
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}
