import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { connect, connectAsync } from 'mqtt';
import pg from 'pg';
import { startTestBroker } from './test-broker.ts';
import { createTestDatabase } from './test-database.ts';
import { startTestRedis } from './test-redis.ts';

const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
});

test('what Redis answered is still there after kill -9 and a start on the same port', async () => {
  const server = await startTestRedis();
  stops.push(() => server.stop());
  const redis = new Redis(server.url);
  await redis.set('kept', 'yes');
  await redis.quit();
  const { url } = server;
  await server.kill();
  await server.start();
  expect(server.url).toBe(url);
  const again = new Redis(server.url);
  expect(await again.get('kept')).toBe('yes');
  expect(await again.config('GET', 'appendfsync')).toEqual(['appendfsync', 'always']);
  expect(await again.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  await again.quit();
});

test('a broker keeps a persistent session and its messages through a graceful restart', async () => {
  const broker = await startTestBroker();
  stops.push(() => broker.stop());
  const session = {
    clientId: 'kept',
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 600 },
  } as const;
  const first = await connectAsync(broker.url, session);
  await first.subscribeAsync('kept/#', { qos: 1 });
  await first.endAsync();
  const publisher = await connectAsync(broker.url);
  await publisher.publishAsync('kept/message', 'hello', { qos: 1 });
  await publisher.endAsync();
  await broker.restart();
  // The listener first: what was queued arrives right behind the CONNACK.
  const second = connect(broker.url, session);
  const received = new Promise((resolve) => {
    second.once('message', (topic) => resolve(topic));
  });
  expect(await received).toBe('kept/message');
  await second.endAsync();
});

test('databases are apart, and go when dropped', async () => {
  const [one, two] = [
    await createTestDatabase({ migrated: false }),
    await createTestDatabase({ migrated: false }),
  ];
  const client = new pg.Client({ connectionString: one.url });
  await client.connect();
  await client.query('create table mine (id int)');
  await client.end();
  const other = new pg.Client({ connectionString: two.url });
  await other.connect();
  await expect(other.query('select from mine')).rejects.toThrow('does not exist');
  await other.end();
  await one.drop();
  await two.drop();
  const gone = new pg.Client({ connectionString: one.url });
  await expect(gone.connect()).rejects.toThrow('does not exist');
});

test('a test database has the whole schema, and none of the rows of another', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const count = async (url: string, sql: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ n: string }>(sql);
    await client.end();
    return rows[0]?.n;
  };
  await count(
    one.url,
    "with made as (insert into organizations (slug) values ('acme') returning 1) select count(*) n from made",
  );
  expect(await count(one.url, 'select count(*) n from organizations')).toBe('1');
  expect(await count(two.url, 'select count(*) n from organizations')).toBe('0');
  await one.drop();
  await two.drop();
});
