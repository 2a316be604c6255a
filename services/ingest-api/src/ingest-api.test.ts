import { createHmac, hash } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createApiKey, revokeApiKey } from '@odometer/database/api-keys';
import { createMonthPartitions } from '@odometer/database/partitions';
import { createPool, type Pool } from '@odometer/database/pool';
import { putWebhook } from '@odometer/database/webhooks';
import { batchJobId } from '@odometer/domain/batch';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

/** The compiled service as a process, against a real Postgres and a real Redis, each behind a proxy that can cut it off. */

let redisServer: Awaited<ReturnType<typeof startTestRedis>>;
let database: TestDatabase;
let pool: Pool;
let redisProxy: TcpProxy;
let postgresProxy: TcpProxy;
let redis: ReturnType<typeof createProducerRedis>;
let queue: JobQueue<'events'>;
let service: SpawnedService;
let url: string;

const WEBHOOK_SECRET = 'hmac secret';
const AUTH0_TOKEN = 'auth0 token';

async function spawn(
  env: Readonly<Record<string, string>> = {},
): Promise<[SpawnedService, string]> {
  const spawned = await spawnService('ingest-api', {
    DATABASE_URL: postgresProxy.url(database.url),
    REDIS_URL: redisProxy.url(redisServer.url),
    ODOMETER_INGEST_HOST: '127.0.0.1',
    ODOMETER_INGEST_PORT: '0',
    ODOMETER_INSTANCE: 'ingest-test',
    ODOMETER_INGEST_REFRESH_MS: '200',
    ODOMETER_INGEST_CONFIRM_DEADLINE_MS: '1000',
    ODOMETER_WEBHOOK_SECRET_CI: WEBHOOK_SECRET,
    ...env,
  });
  await spawned.ready();
  const port = /"event":"listening".*"port":(\d+)/.exec(spawned.log())?.[1];
  return [spawned, `http://127.0.0.1:${port}`];
}

beforeAll(async () => {
  [redisServer, database] = await Promise.all([startTestRedis(), createTestDatabase()]);
  redisProxy = await tcpProxy(redisServer.port);
  postgresProxy = await tcpProxy(Number(new URL(database.url).port));
  pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 2 },
    () => undefined,
  );
  const keys = [
    { name: 'all', organization: null, scopes: ['admin'] },
    { name: 'acme', organization: 'acme', scopes: ['ingest'] },
    { name: 'acme-reader', organization: 'acme', scopes: ['read'] },
    { name: 'reader', organization: null, scopes: ['read'] },
  ] as const;
  for (const key of keys) await createApiKey(pool, { ...key, hash: hash('sha256', key.name) });
  await putWebhook(pool, 'tenant', {
    name: 'tenant',
    kind: 'auth0',
    organization: 'acme',
    tokenHash: hash('sha256', AUTH0_TOKEN),
    fields: { project: { field: 'client_id' } },
  });
  await putWebhook(pool, 'ci', {
    name: 'ci',
    kind: 'hmac',
    organization: null,
    secretEnv: 'ODOMETER_WEBHOOK_SECRET_CI',
    signature: { header: 'x-hub-signature-256', prefix: 'sha256=' },
    type: 'deployments',
    fields: { id: 'run', project: { field: 'project' } },
  });
  await putWebhook(pool, 'broken', { name: 'broken', kind: 'from the future' });
  redis = createProducerRedis({ url: redisServer.url });
  await eventually(() => redis.status === 'ready');
  queue = new JobQueue('events', redis);
  [service, url] = await spawn();
}, 60_000);

afterAll(async () => {
  await service.kill();
  await queue.stop();
  redis.disconnect();
  await pool.end();
  await redisProxy.close();
  await postgresProxy.close();
  await redisServer.stop();
  await database.drop();
});

const BATCH = 'application/cloudevents-batch+json';
let lastId = 0;
const makeEvent = (change: object = {}) => {
  lastId += 1;
  return {
    specversion: '1.0',
    id: `e${lastId}`,
    source: 'test',
    type: 'api_calls',
    subject: 'acme/web',
    ...change,
  };
};

function post(
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  key = 'all',
): Promise<Response> {
  return fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'Content-Type': BATCH, Authorization: `Bearer ${key}`, ...headers },
    body:
      typeof body === 'string' || body instanceof Buffer
        ? new Uint8Array(Buffer.from(body))
        : JSON.stringify(body),
  });
}

/** All events that Redis holds, of every life of the service, in order of acceptance. */
async function storedEvents(): Promise<readonly EventEnvelope[]> {
  const { rows } = await pool.query<{ epoch: string }>(
    'select epoch from source_epochs order by epoch',
  );
  const events: EventEnvelope[] = [];
  for (const { epoch } of rows) {
    for (let seq = 1; ; seq += 1) {
      const job = await queue.get(batchJobId({ source: 'ingest-test', epoch, seq }));
      if (job === undefined || !('events' in job.data)) break;
      events.push(...job.data.events);
    }
  }
  return events;
}
const storedIds = async () => (await storedEvents()).map(({ id }) => id);

describe('posting events', () => {
  test('each of the four forms is durable when it is answered with 204 and an empty body', async () => {
    const events = Array.from({ length: 5 }, () => makeEvent());
    const [structured, batch1, batch2, plain, binary] = events;
    const answers = await Promise.all([
      post(structured, { 'Content-Type': 'application/cloudevents+json; charset=utf-8' }),
      post([batch1, batch2]),
      post(plain, { 'Content-Type': 'application/json' }),
      post('{"value":2}', {
        'Content-Type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': binary?.id ?? '',
        'ce-source': 'test',
        'ce-type': 'api_calls',
        'ce-subject': 'acme/web',
      }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    expect(await answers[0]?.text()).toBe('');
    expect(await storedIds()).toEqual(expect.arrayContaining(events.map(({ id }) => id)));
    expect((await storedEvents()).find(({ id }) => id === binary?.id)?.data).toEqual({ value: 2 });
  });

  test('a bad event at any place refuses the whole request, names it, and nothing is taken', async () => {
    const events = [makeEvent(), makeEvent({ time: 'x' }), makeEvent(), makeEvent({ id: 1 })];
    const answer = await post(events);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: expect.stringContaining('index 1'),
      instance: expect.stringMatching(/^urn:request:/),
      extensions: {
        invalid: [
          { index: 1, reason: 'time is not an RFC 3339 date-time' },
          { index: 3, reason: expect.stringContaining('id must be') },
        ],
        invalidCount: 2,
      },
    });
    const stored = await storedIds();
    expect(events.filter(({ id }) => stored.includes(id))).toEqual([]);
  });

  test('with Prefer: return=representation each event is taken or refused by itself', async () => {
    const good = [makeEvent(), makeEvent()];
    const answer = await post([good[0], makeEvent({ data: 1 }), good[1]], {
      Prefer: 'respond-async, return=representation',
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      accepted: 2,
      rejected: [{ index: 1, reason: 'data must be a JSON object' }],
    });
    expect(await storedIds()).toEqual(expect.arrayContaining(good.map(({ id }) => id)));
  });

  test('an empty batch is fine, an empty plain array is not', async () => {
    expect((await post('[]')).status).toBe(204);
    const plain = await post('[]', { 'Content-Type': 'application/json' });
    expect(plain.status).toBe(400);
    expect(await plain.json()).toMatchObject({ detail: 'no events found' });
  });

  test.each<[string, number, () => Promise<Response>]>([
    ['no key', 401, () => post([], { Authorization: '' })],
    ['an unknown key', 401, () => post([], {}, 'unknown')],
    ['a key without the scope', 403, () => post([], {}, 'reader')],
    [
      "another organization's subject",
      403,
      () => post([makeEvent({ subject: 'x/y' })], {}, 'acme'),
    ],
    ['a content type that is no events', 400, () => post('x', { 'Content-Type': 'text/plain' })],
    ['garbage', 400, () => post('{')],
    ['more than 1,000 events', 413, () => post(Array.from({ length: 1_001 }, () => makeEvent()))],
    ['more than 5 MB', 413, () => post(' '.repeat(5_000_001))],
    [
      'a small body that inflates to more than 5 MB',
      413,
      () => post(gzipSync(Buffer.alloc(50_000_000, ' ')), { 'Content-Encoding': 'gzip' }),
    ],
    ['a body that does not inflate', 400, () => post('[]', { 'Content-Encoding': 'gzip' })],
    ['an unknown encoding', 400, () => post('[]', { 'Content-Encoding': 'zstd' })],
  ])('%s is answered with %i and a problem', async (_, status, send) => {
    const answer = await send();
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ type: 'about:blank', status });
  });

  test('gzip is inflated', async () => {
    const event = makeEvent();
    const answer = await post(gzipSync(JSON.stringify([event])), { 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(204);
    expect(await storedIds()).toContain(event.id);
  });

  test('a client that leaves in the middle of its body is no error', async () => {
    const port = Number(new URL(url).port);
    const socket = connect(port, '127.0.0.1');
    const head =
      'POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Length: 100\r\n\r\n{';
    await new Promise((resolve) => socket.write(head, resolve));
    socket.destroy();
    const gone =
      'odometer_ingest_request_duration_seconds_count{route="post_events",status_class="gone"}';
    await eventually(async () => (await service.metric(gone)) === 1);
    expect(service.events().filter(({ level }) => level === 'error')).toMatchObject([
      { event: 'webhook_declaration_invalid' },
    ]);
  });

  test('addresses that do not exist and methods that are not taken are problems too', async () => {
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/api/v1/events`, { method: 'PUT' })).status).toBe(405);
    expect((await fetch(`${url}/webhooks/%E0%A4%A`, { method: 'POST' })).status).toBe(400);
  });

  test('the books close: received = accepted + rejected, as metrics and in Postgres', async () => {
    const name = 'odometer_ingest_events';
    const text = await (await fetch(`${service.adminUrl}/metrics`)).text();
    const rejected = [...text.matchAll(/^odometer_ingest_events_rejected_total\{.*\} (\d+)$/gm)]
      .map((match) => Number(match[1]))
      .reduce((sum, count) => sum + count, 0);
    const received = await service.metric(`${name}_received_total`);
    const accepted = await service.metric(`${name}_accepted_total`);
    expect(rejected).toBeGreaterThan(0);
    expect(received).toBe((accepted ?? 0) + rejected);
    await eventually(async () => {
      const { rows } = await pool.query(
        'select received::int, accepted::int, rejected::int from source_epochs',
      );
      expect(rows).toEqual([{ received, accepted, rejected }]);
    });
  });
});

describe('listing events', () => {
  const get = (query: string, key = 'reader') =>
    fetch(`${url}/api/v1/events${query}`, { headers: { Authorization: `Bearer ${key}` } });

  test('recent events, newest first, in the form that OpenMeter answers with', async () => {
    const now = Date.now();
    const at = (ageMs: number) => new Date(now - ageMs).toISOString();
    await createMonthPartitions(pool, at(100 * 86_400_000), at(0));
    await pool.query(
      `insert into events (time, key, source, id, type, subject, data, attributes, time_given, ingested_at, unattributed_to)
       select t.time, gen_random_uuid(), 's', t.id, 'logs', t.subject, '{"value":1}', '{"traceparent":"x"}', true, now(), t.subject
       from (values ($1::timestamptz, 'new', 'acme/web'), ($2, 'old', 'acme/web'), ($3, 'ancient', 'other/web')) as t (time, id, subject)`,
      [at(1_000), at(3_600_000), at(90 * 86_400_000)],
    );
    const answer = await get('');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual([
      {
        event: {
          specversion: '1.0',
          id: 'new',
          source: 's',
          type: 'logs',
          subject: 'acme/web',
          time: at(1_000),
          data: { value: 1 },
          traceparent: 'x',
        },
        ingestedAt: expect.any(String),
        storedAt: expect.any(String),
      },
      expect.objectContaining({ event: expect.objectContaining({ id: 'old' }) }),
    ]);
    const idsFor = async (query: string, key?: string) =>
      ((await (await get(query, key)).json()) as { event: { id: string } }[]).map(
        ({ event }) => event.id,
      );
    expect(await idsFor('?limit=1')).toEqual(['new']);
    expect(await idsFor('?id=old')).toEqual(['old']);
    expect(await idsFor(`?from=${at(100 * 86_400_000)}&subject=other/web`)).toEqual(['ancient']);
    expect(await idsFor(`?from=${at(100 * 86_400_000)}`, 'acme-reader')).toEqual(['new', 'old']);
    expect(await idsFor(`?ingestedAtTo=${at(60_000)}`)).toEqual([]);
  });

  test.each(['?from=yesterday', '?limit=101', '?limit=0', '?limit=x', '?id=a&id=b', '?id=%00'])(
    '%s is refused with the name of the parameter',
    async (query) => {
      const answer = await get(query);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        detail: expect.stringMatching(/^(from|limit|id): /),
      });
    },
  );

  test('a key without the scope is refused', async () => {
    expect((await get('', 'acme')).status).toBe(403);
  });
});

describe('webhooks', () => {
  const deliver = (name: string, body: string, headers: Readonly<Record<string, string>>) =>
    fetch(`${url}/webhooks/${name}`, { method: 'POST', headers, body });
  const login = (id: string, change: object = {}) => ({
    log_id: id,
    data: { type: 's', date: new Date().toISOString(), user_id: 'u', client_id: 'web', ...change },
  });

  test("Auth0's logins become events, other logs are ignored, and what cannot be mapped does not hold them back", async () => {
    const records = [
      login('l1'),
      login('x', { type: 'f' }),
      {},
      login('l2'),
      login('x', { client_id: '/' }),
    ];
    const lines = records.map((record) => JSON.stringify(record)).join('\n');
    for (const body of [JSON.stringify(records), lines]) {
      const answer = await deliver('tenant', body, { Authorization: AUTH0_TOKEN });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ accepted: 2, ignored: 1, rejected: 2 });
    }
    const events = (await storedEvents()).filter(({ source }) => source === 'auth0/tenant');
    expect(events).toHaveLength(4);
    expect(events[0]).toMatchObject({
      id: 'l1',
      type: 'logins',
      organization: 'acme',
      project: 'web',
      data: { user: 'u' },
    });
  });

  test('a signature over the very bytes is needed', async () => {
    const body = JSON.stringify({ run: 7, project: 'acme/web' });
    const signature = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex');
    const headers = { 'X-Hub-Signature-256': `sha256=${signature}` };
    expect((await deliver('ci', body, headers)).status).toBe(200);
    expect((await deliver('ci', `${body} `, headers)).status).toBe(401);
    expect((await deliver('ci', body, {})).status).toBe(401);
    expect((await deliver('ci', body, { 'X-Hub-Signature-256': 'sha256=' })).status).toBe(401);
    expect((await deliver('tenant', body, { Authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await deliver('unknown', body, {})).status).toBe(404);
    expect((await deliver('broken', body, {})).status).toBe(404);
  });
});

describe('when something is away', () => {
  test('Postgres: ingest goes on with the keys it knows', async () => {
    postgresProxy.refuse();
    await eventually(() =>
      service
        .events()
        .some(({ event, task }) => event === 'periodic_task_failed' && task === 'api-keys'),
    );
    const event = makeEvent();
    expect((await post([event])).status).toBe(204);
    postgresProxy.pass();
    expect(await storedIds()).toContain(event.id);
  });

  test('a key that is revoked is refused within the refresh interval', async () => {
    const key = await createApiKey(pool, {
      name: 'short',
      hash: hash('sha256', 'short'),
      organization: null,
      scopes: ['ingest'],
    });
    await eventually(async () => (await post([], {}, 'short')).status === 204);
    await revokeApiKey(pool, key.id);
    await eventually(async () => (await post([], {}, 'short')).status === 401, {
      deadlineMs: 2_000,
    });
  });

  test('Redis: 503 with Retry-After, unready, and nothing acknowledged is lost; then it recovers by itself', async () => {
    redisProxy.refuse();
    const event = makeEvent();
    const answer = await post([event]);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    await eventually(async () => !(await service.isReady()));
    redisProxy.pass();
    await eventually(async () => (await post([event])).status === 204);
    // It was tried on although it was answered with 503, so it may be there twice; the worker counts it once.
    expect(await storedIds()).toContain(event.id);
    await eventually(() => service.isReady());
  });
});

describe('when storage is full', () => {
  test('Redis: 503 until there is room again', async () => {
    await redis.config('SET', 'maxmemory', '1mb');
    const event = makeEvent();
    await eventually(async () => (await post([event])).status === 503);
    await redis.config('SET', 'maxmemory', '0');
    await eventually(async () => (await post([event])).status === 204);
    expect(await storedIds()).toContain(event.id);
  });

  test('the backlog: 503 while it is over its limit, and the events are in no batch', async () => {
    await service.kill('SIGTERM');
    [service, url] = await spawn({ ODOMETER_INGEST_MAX_BACKLOG_BATCHES: '1' });
    const event = makeEvent();
    await eventually(async () => (await post([event])).status === 503);
    const rejected = 'odometer_ingest_events_rejected_total{reason="unavailable"}';
    expect(await service.metric(rejected)).toBeGreaterThan(0);
    // Ready all the same: it answers with when to come again, which an unready one could not.
    expect(await service.isReady()).toBe(true);
    await service.kill('SIGTERM');
    [service, url] = await spawn();
  });
});

describe('its life', () => {
  beforeEach(async () => {
    await eventually(() => service.isReady());
  });

  test('a stop answers what was accepted, seals the epoch and exits with 0', async () => {
    const answers: number[] = [];
    const acknowledged: string[] = [];
    let refused = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!refused) {
        const event = makeEvent();
        try {
          const { status } = await post([event]);
          answers.push(status);
          if (status === 204) acknowledged.push(event.id);
        } catch {
          refused = true;
        }
      }
    });
    await eventually(() => acknowledged.length > 50);
    service.signal('SIGTERM');
    await Promise.all(clients);
    expect((await service.exit).code).toBe(0);
    expect(new Set(answers)).toEqual(new Set([204]));
    const stored = new Set(await storedIds());
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    const { rows } = await pool.query(
      `select sealed_seq is not null as sealed, sealed_seq = acknowledged_seq as complete
       from source_epochs order by epoch desc limit 1`,
    );
    [service, url] = await spawn();
    expect(rows).toEqual([{ sealed: true, complete: true }]);
  });

  test('kill -9 loses nothing that was answered, and the next life has a new epoch', async () => {
    const acknowledged: string[] = [];
    let running = true;
    const clients = Array.from({ length: 8 }, async () => {
      while (running) {
        const event = makeEvent();
        try {
          if ((await post([event])).status === 204) acknowledged.push(event.id);
        } catch {
          return;
        }
      }
    });
    await eventually(() => acknowledged.length > 50);
    await service.kill();
    running = false;
    await Promise.all(clients);
    const stored = new Set(await storedIds());
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    [service, url] = await spawn();
    const { rows } = await pool.query('select epoch from source_epochs');
    expect(rows.length).toBeGreaterThanOrEqual(2);
  });

  test('a limit per key is answered with 429 and when to come again', async () => {
    await service.kill('SIGTERM');
    [service, url] = await spawn({ ODOMETER_INGEST_EVENTS_PER_SECOND: '10' });
    expect((await post(Array.from({ length: 50 }, () => makeEvent()))).status).toBe(204);
    const answer = await post([makeEvent()]);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(3);
    expect((await post([makeEvent()], {}, 'acme')).status).toBe(204);
  });
});
