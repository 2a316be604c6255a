import { hash } from 'node:crypto';
import { createApiKey, type Scope } from '@odometer/database/api-keys';
import { createPool, type Pool } from '@odometer/database/pool';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { createTestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

/** Keys by their secrets, which are their names: what each may do, and for whom. */
const KEYS: Readonly<Record<string, { organization: string | null; scopes: readonly Scope[] }>> = {
  admin: { organization: null, scopes: ['admin'] },
  reader: { organization: null, scopes: ['read'] },
  ingester: { organization: null, scopes: ['ingest'] },
  'acme-admin': { organization: 'acme', scopes: ['admin'] },
  'acme-reader': { organization: 'acme', scopes: ['read'] },
};

/** An answer, read. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json<T = unknown>(): T;
}

export interface ApiFixture {
  readonly pool: Pool;
  readonly service: SpawnedService;
  readonly url: string;
  readonly redisUrl: string;
  /** Each in front of its server, to cut it off. */
  readonly postgres: TcpProxy;
  readonly redis: TcpProxy;
  /** Asks the running service. A path as in `GET /api/v1/projects`; a body is sent as JSON unless it is text. */
  ask(request: string, options?: AskOptions): Promise<ApiAnswer>;
  stop(): Promise<void>;
}

export interface AskOptions {
  /** One of the keys' names; null: none. @default admin */
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The compiled service as a process, with a Postgres, a Redis and keys of its own. Call `stop()` in `afterAll`. */
export async function startApi(env: Readonly<Record<string, string>> = {}): Promise<ApiFixture> {
  const [redisServer, database] = await Promise.all([startTestRedis(), createTestDatabase()]);
  const redis = await tcpProxy(redisServer.port);
  const postgres = await tcpProxy(Number(new URL(database.url).port));
  const pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 4 },
    () => undefined,
  );
  for (const [name, key] of Object.entries(KEYS)) {
    await createApiKey(pool, { ...key, name, hash: hash('sha256', name) });
  }
  const service = await spawnService('stats-api', {
    DATABASE_URL: postgres.url(database.url),
    REDIS_URL: redis.url(redisServer.url),
    ODOMETER_STATS_HOST: '127.0.0.1',
    ODOMETER_STATS_PORT: '0',
    ODOMETER_STATS_REFRESH_MS: '200',
    ODOMETER_INSTANCE: 'stats-test',
    ...env,
  });
  await service.ready();
  const port = /"event":"listening".*"port":(\d+)/.exec(service.log())?.[1];
  const url = `http://127.0.0.1:${port}`;
  return {
    pool,
    service,
    url,
    redisUrl: redisServer.url,
    postgres,
    redis,
    ask: (request, options) => ask(url, request, options),
    async stop() {
      await service.kill();
      await pool.end();
      await redis.close();
      await postgres.close();
      await redisServer.stop();
      await database.drop();
    },
  };
}

async function ask(
  url: string,
  request: string,
  { key = 'admin', body, headers = {} }: AskOptions = {},
): Promise<ApiAnswer> {
  const [method = '', path = ''] = request.split(' ');
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: <T>() => JSON.parse(text) as T,
  };
}
