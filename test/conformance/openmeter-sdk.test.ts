import { hash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createApiKey } from '@odometer/database/api-keys';
import { createPool, type Pool } from '@odometer/database/pool';
import { createFront } from '@odometer/local-stack/front/front-server';
import { SERVICES } from '@odometer/local-stack/services';
import { eventually } from '@odometer/testing/eventually';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { OpenMeter } from '@openmeter/sdk';

/** OpenMeter's own client, as npm has it, against the services as they run behind the one public address. */

jest.setTimeout(180_000);

/** By name: meters are everybody's, so who makes them has a key that is bound to no organization. */
const KEYS = { acme: 'odo_acme', operator: 'odo_operator' };
const DAY_MS = 86_400_000;
/** Yesterday at 10:00 UTC, so that nothing depends on when the test runs. */
const AT_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS + 10 * 3_600_000;
const at = (minutes: number): Date => new Date(AT_MS + minutes * 60_000);

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let database: TestDatabase;
let pool: Pool;
const services: SpawnedService[] = [];
let front: ReturnType<typeof createFront>;
let client: OpenMeter;
let operator: OpenMeter;

async function start(name: string, prefix?: string): Promise<number> {
  const service = await spawnService(name, {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    ODOMETER_INSTANCE: `${name}-test`,
    ...(prefix === undefined ? {} : { [`${prefix}_HOST`]: '127.0.0.1', [`${prefix}_PORT`]: '0' }),
  });
  services.push(service);
  await service.ready(100_000);
  return Number(/"event":"listening".*"port":(\d+)/.exec(service.log())?.[1] ?? 0);
}

beforeAll(async () => {
  [redis, database] = await Promise.all([startTestRedis(), createTestDatabase()]);
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 2 }, () => {});
  for (const [name, key] of Object.entries(KEYS)) {
    await createApiKey(pool, {
      name,
      hash: hash('sha256', key),
      organization: name === 'acme' ? 'acme' : null,
      scopes: ['admin', 'ingest', 'read'],
    });
  }
  await start('stats-worker');
  // The paths are split as the local stack does it, and the Ingress.
  const routes = await Promise.all(
    SERVICES.flatMap(({ name, httpVariables, paths }) =>
      paths === undefined
        ? []
        : [start(name, httpVariables).then((port) => paths.map((path) => ({ path, port })))],
    ),
  );
  front = createFront(routes.flat());
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const { port } = front.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}`;
  client = new OpenMeter({ baseUrl, apiKey: KEYS.acme });
  operator = new OpenMeter({ baseUrl, apiKey: KEYS.operator });
});
afterAll(async () => {
  front?.closeAllConnections();
  front?.close();
  await Promise.all(services.map((service) => service.kill()));
  await pool?.end();
  await Promise.all([redis?.stop(), database?.drop()]);
});

test('creates and lists meters', async () => {
  await operator.meters.create({
    slug: 'tokens_total',
    aggregation: 'SUM',
    eventType: 'prompt',
    valueProperty: '$.tokens',
    groupBy: { model: '$.model' },
  });
  expect(await client.meters.get('tokens_total')).toMatchObject({
    slug: 'tokens_total',
    eventType: 'prompt',
    createdAt: expect.any(Date),
  });
  expect((await client.meters.list())?.map(({ slug }) => slug)).toContain('tokens_total');
});

const event = (id: string, minutes: number, subject: string, data: Record<string, unknown>) => ({
  specversion: '1.0',
  id,
  source: 'sdk-test',
  type: 'prompt',
  subject,
  time: at(minutes),
  data,
});

test('ingests events, each once', async () => {
  const events = [
    event('1', 10, 'web', { tokens: 12, model: 'large' }),
    event('2', 20, 'web', { tokens: '0.5', model: 'small' }),
    event('3', 70, 'app', { tokens: 30, model: 'large' }),
  ];
  await client.events.ingest(events);
  // A client that did not hear the answer tries again.
  await client.events.ingest(events);
  await client.events.ingest(event('4', 75, 'acme/app/robot-7', { tokens: 1, model: 'large' }));
  await eventually(
    async () => (await client.meters.query('tokens_total'))?.data[0]?.value === 43.5,
    { deadlineMs: 60_000 },
  );
});

test('lists events', async () => {
  const events = (await client.events.list({ from: at(0), to: at(120) })) ?? [];
  expect(events.map(({ event: { id } }) => id).toSorted()).toEqual(['1', '2', '3', '4']);
  expect(events[0]).toMatchObject({
    event: { type: 'prompt', time: expect.any(Date) },
    ingestedAt: expect.any(Date),
    storedAt: expect.any(Date),
  });
});

test('queries a meter in JSON', async () => {
  expect(await client.meters.query('tokens_total')).toEqual({
    data: [{ value: 43.5, windowStart: at(10), windowEnd: at(76), subject: null, groupBy: {} }],
  });
  // Made anew each time: the client writes text into what it is given.
  const hours = () => ({ from: at(0), to: at(120), windowSize: 'HOUR' as const });
  expect(await client.meters.query('tokens_total', hours())).toEqual({
    ...hours(),
    data: [
      { value: 12.5, windowStart: at(0), windowEnd: at(60), subject: null, groupBy: {} },
      { value: 31, windowStart: at(60), windowEnd: at(120), subject: null, groupBy: {} },
    ],
  });
  const bySubject = await client.meters.query('tokens_total', {
    ...hours(),
    windowSize: 'DAY',
    windowTimeZone: 'Asia/Kathmandu',
    subject: ['web', 'app'],
    groupBy: ['model'],
    filterGroupBy: { model: 'large' },
  });
  expect(bySubject?.data.map(({ subject, value, groupBy }) => [subject, value, groupBy])).toEqual([
    ['app', 31, { model: 'large' }],
    ['web', 12, { model: 'large' }],
  ]);
  const advanced = await client.meters.query('tokens_total', {
    advancedMeterGroupByFilters: JSON.stringify({ model: { $ne: 'large' } }),
  });
  expect(advanced?.data.map(({ value }) => value)).toEqual([0.5]);
});

test('queries a meter in CSV', async () => {
  const { data, response } = await client.client.GET('/api/v1/meters/{meterIdOrSlug}/query', {
    params: {
      path: { meterIdOrSlug: 'tokens_total' },
      query: { from: at(0), to: at(120), windowSize: 'DAY', subject: ['web'] },
    },
    headers: { Accept: 'text/csv' },
    parseAs: 'text',
  });
  expect(response.headers.get('content-type')).toBe('text/csv');
  const day = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
  const startMs = AT_MS - 10 * 3_600_000;
  expect(data).toBe(
    `window_start,window_end,subject,value\n${day(startMs)},${day(startMs + DAY_MS)},web,12.500000\n`,
  );
});

test('knows subjects', async () => {
  const subjects = await client.subjects.list();
  expect(subjects?.map(({ key }) => key).toSorted()).toEqual(['app', 'web']);
  await client.subjects.upsert([{ key: 'new-one', displayName: 'A new one' }]);
  expect(await client.subjects.get('new-one')).toMatchObject({
    key: 'new-one',
    displayName: 'A new one',
  });
});

test('a meter counts what came before it', async () => {
  await operator.meters.create({ slug: 'prompts', aggregation: 'COUNT', eventType: 'prompt' });
  const value = async () => (await client.meters.query('prompts'))?.data[0]?.value;
  // From the first moment on, and when its events have been counted back.
  expect(await value()).toBe(4);
  await eventually(
    async () => {
      const { rows } = await pool.query(
        "select from meters where slug = 'prompts' and counted_back_at is not null",
      );
      return rows.length === 1;
    },
    { deadlineMs: 60_000 },
  );
  expect(await value()).toBe(4);
  await expect(client.meters.query('nothing')).rejects.toThrow('[404]: there is no meter nothing');
});
