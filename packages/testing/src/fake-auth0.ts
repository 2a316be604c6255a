import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A log as the management API answers it, and a log stream delivers it in `data`. */
export interface Auth0Log {
  readonly log_id: string;
  readonly date: string;
  readonly type: string;
  readonly client_name?: string;
  readonly user_id?: string;
  readonly [field: string]: unknown;
}

export interface Auth0Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
}

/** Answers instead of the fake. */
type Instead = (response: ServerResponse) => void;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const MAX_TAKE = 100;

/**
 * A server that answers as Auth0 does, as far as pulling its log needs it: a token for a client's id and secret, and the log by
 * checkpoint (https://auth0.com/docs/deploy-monitor/logs/retrieve-log-events-using-mgmt-api): at most 100 logs after `from`, in
 * the order of their ids, and a `Link` to the next ones, which for an empty page is the one that was asked.
 */
export class FakeAuth0 {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly requests: Auth0Request[] = [];
  /** How long tokens live, seconds. */
  tokenLifeS = 86_400;
  /** Told of each request before it is answered; may answer it. */
  onRequest: (request: Auth0Request) => Instead | undefined = () => undefined;
  /** A checkpoint below is of a log that is not kept any more. Auth0 answers the oldest ones it has; `refuses` is for others. */
  oldestKept = '';
  refusesLost = false;
  readonly #logs: Auth0Log[] = [];
  readonly #tokens = new Set<string>();
  #sequence = 0;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  constructor(clientId = 'm2m-client', clientSecret = 'm2m-secret-which-nobody-logs') {
    this.clientId = clientId;
    this.clientSecret = clientSecret;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  /** All that were written, in the order of their ids. */
  get logs(): readonly Auth0Log[] {
    return this.#logs;
  }

  /** Requests for pages. */
  get pageRequests(): readonly Auth0Request[] {
    return this.requests.filter(({ path }) => path === '/api/v2/logs');
  }

  get tokenRequests(): number {
    return this.requests.filter(({ path }) => path === '/oauth/token').length;
  }

  /** Writes a log: a login of somebody, unless it is said otherwise. */
  write(at: Date | string, fields: Readonly<Record<string, unknown>> = {}): Auth0Log {
    this.#sequence += 1;
    const date = new Date(at).toISOString();
    const log = {
      date,
      type: 's',
      client_id: 'xZjM1MjUxOGVhYzYx',
      client_name: 'My App (production)',
      user_id: `auth0|${this.#sequence}`,
      ip: '192.0.2.1',
      log_id: logId(date, this.#sequence),
      _id: logId(date, this.#sequence),
      isMobile: false,
      ...fields,
    };
    this.#logs.push(log);
    this.#logs.sort((a, b) => (a.log_id < b.log_id ? -1 : 1));
    return log;
  }

  /** No token that was given is good any more. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { pathname: path, searchParams: query } = new URL(incoming.url ?? '/', this.url);
    const { method = '', headers } = incoming;
    const request = { method, path, query, authorization: headers.authorization };
    this.requests.push(request);
    const instead = this.onRequest(request);
    if (instead !== undefined) {
      instead(response);
      return;
    }
    const {
      status,
      body,
      headers: more,
    } = this.#answerTo(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...more });
    response.end(JSON.stringify(body));
  }

  #answerTo(request: Auth0Request, body: string): Answer {
    const { method, path } = request;
    if (method === 'POST' && path === '/oauth/token') return this.#token(new URLSearchParams(body));
    if (method === 'GET' && path === '/api/v2/logs') return this.#page(request);
    return problem(404, 'Not Found');
  }

  #token(form: URLSearchParams): Answer {
    const isGood =
      form.get('grant_type') === 'client_credentials' &&
      form.get('client_id') === this.clientId &&
      form.get('client_secret') === this.clientSecret;
    if (!isGood) return { status: 401, body: { error: 'access_denied' } };
    if (form.get('audience') !== `${this.url}/api/v2/`) {
      return { status: 403, body: { error: 'access_denied' } };
    }
    const token = randomUUID();
    this.#tokens.add(token);
    const life = { expires_in: this.tokenLifeS, token_type: 'Bearer', scope: 'read:logs' };
    return { status: 200, body: { access_token: token, ...life } };
  }

  #page({ query, authorization }: Auth0Request): Answer {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
    if (token === undefined || !this.#tokens.has(token)) {
      return problem(401, 'Unauthorized', 'invalid_token');
    }
    const from = query.get('from') ?? '';
    const take = Number(query.get('take') ?? MAX_TAKE);
    const isLost = this.refusesLost && from < this.oldestKept;
    if (isLost || !(take >= 1 && take <= MAX_TAKE)) {
      return problem(400, 'Bad Request', 'invalid_query_string');
    }
    const logs = this.#logs
      .filter(({ log_id }) => log_id > from && log_id >= this.oldestKept)
      .slice(0, take);
    const next = new URL('/api/v2/logs', this.url);
    next.searchParams.set('from', logs.at(-1)?.log_id ?? from);
    next.searchParams.set('take', String(take));
    return { status: 200, body: logs, headers: { Link: `<${next.href}>; rel="next"` } };
  }
}

/** As Auth0's are: their order is that of their times. */
function logId(date: string, sequence: number): string {
  return `900${date.slice(0, 19).replaceAll(/\D/g, '')}${date.slice(20, 23)}000${String(sequence).padStart(33, '0')}`;
}

function problem(status: number, error: string, errorCode?: string): Answer {
  return { status, body: { statusCode: status, error, message: error, errorCode } };
}
