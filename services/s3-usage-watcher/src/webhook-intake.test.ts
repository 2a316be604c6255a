import { createHmac, hash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import type { SpawnedService } from '@odometer/testing/spawn-service';
import { message, putMessage, putRecord, WatcherFixture } from './watcher.fixture.ts';

/** The compiled service as a process, and stores that send to it. */

jest.setTimeout(60_000);

const SECRET = 'hmac secret';
const TOKEN = 'token of minio';

let fixture: WatcherFixture;
let service: SpawnedService;
let url: string;

beforeAll(async () => {
  fixture = await WatcherFixture.start();
});
afterAll(() => fixture.stop());
afterEach(() => fixture.cleanUp());

const withToken = (path: string, token = TOKEN) => ({
  kind: 'webhook',
  path,
  tokenHash: hash('sha256', token),
});
const signed = (path: string) => ({
  kind: 'webhook',
  path,
  signature: {
    secretEnv: 'ODOMETER_STORAGE_SECRET_CEPH',
    header: 'X-Signature',
    prefix: 'sha256=',
  },
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  service = await fixture.watcher({ ODOMETER_STORAGE_SECRET_CEPH: SECRET, ...env });
  const port = /"event":"listening".*"port":(\d+)/.exec(service.log())?.[1];
  url = `http://127.0.0.1:${port}/webhooks/storage`;
}

function post(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = { Authorization: `Bearer ${TOKEN}` },
): Promise<Response> {
  return fetch(`${url}/${path}`, { method: 'POST', body, headers });
}

test("MinIO's notification, with its token, is answered when it is durable", async () => {
  const id = await fixture.declare('photos', withToken('minio'), { endpoint: 'http://minio:9000' });
  await start();
  const record = { ...putRecord('photos', 'acme%2Fweb%2Fa+b', 7), eventSource: 'minio:s3' };
  const body = JSON.stringify({
    EventName: 's3:ObjectCreated:Put',
    Key: 'photos/acme/web/a b',
    Records: [{ ...record, eventVersion: '2.0', eventName: 's3:ObjectCreated:Put' }],
  });
  for (const authorization of [`Bearer ${TOKEN}`, TOKEN]) {
    const answer = await post('minio', body, { Authorization: authorization });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ accepted: 1, ignored: 0, refused: 0, undeclared: 0 });
  }
  expect(await fixture.changes()).toMatchObject([
    { bucketId: id, key: 'acme/web/a b', sizeBytes: 7 },
    { bucketId: id, key: 'acme/web/a b', sizeBytes: 7 },
  ]);
});

test('a store that asks first whether anybody is there is told so', async () => {
  await fixture.declare('photos', withToken('minio'));
  await start();
  for (const method of ['GET', 'HEAD']) {
    expect((await fetch(`${url}/minio`, { method })).status).toBe(200);
  }
  expect((await fetch(`${url}/unknown`, { method: 'HEAD' })).status).toBe(404);
  expect((await fetch(`${url}/minio`, { method: 'DELETE' })).status).toBe(405);
  expect((await post('unknown', '{}')).status).toBe(404);
  expect((await fetch(`${url}/../other`)).status).toBe(404);
});

test('a missing or wrong token or signature is answered with 401, counted, and nothing of it is kept', async () => {
  await fixture.declare('photos', withToken('minio'));
  await fixture.declare('ceph', signed('ceph'));
  await start();
  const body = putMessage('ceph', 'acme/web/a');
  const signature = createHmac('sha256', SECRET).update(body).digest('hex');
  const right = { 'X-Signature': `sha256=${signature}` };
  expect((await post('ceph', body, right)).status).toBe(200);
  const wrong: readonly (readonly [string, string, Record<string, string>])[] = [
    ['ceph', `${body} `, right],
    ['ceph', body, { 'X-Signature': signature }],
    ['ceph', body, { 'X-Signature': 'sha256=' }],
    ['ceph', body, {}],
    ['ceph', body, { Authorization: `Bearer ${TOKEN}` }],
    ['minio', putMessage('photos', 'a'), {}],
    ['minio', putMessage('photos', 'a'), { Authorization: 'Bearer other' }],
    ['minio', 'no JSON', { Authorization: '' }],
  ];
  for (const [path, text, headers] of wrong) {
    expect((await post(path, text, headers)).status).toBe(401);
  }
  expect(await service.metric('odometer_storage_webhook_unauthorized_total')).toBe(wrong.length);
  expect((await fixture.jobs()).refused).toEqual([]);
  expect(await fixture.keys()).toEqual(['acme/web/a']);
});

test('who has the secret of one bucket at a shared address cannot speak for another', async () => {
  await fixture.declare('photos', withToken('shared'));
  await fixture.declare('ceph', signed('shared'));
  await start();
  const both = message(putRecord('photos', 'acme/web/a'), putRecord('ceph', 'acme/web/b'));
  const answer = await post('shared', both);
  expect(await answer.json()).toMatchObject({ accepted: 1, undeclared: 1 });
  expect(await fixture.keys()).toEqual(['acme/web/a']);
});

test('a secret that is not in the environment makes the sender come again', async () => {
  await fixture.declare('ceph', signed('ceph'));
  await start({ ODOMETER_STORAGE_SECRET_CEPH: '' });
  const answer = await post('ceph', putMessage('ceph', 'a'), { 'X-Signature': 'sha256=00' });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
});

test('what cannot be read is kept as refused and answered with 200, as sending it again would not help', async () => {
  await fixture.declare('photos', withToken('minio'));
  await start();
  const bad = putRecord('photos', '%', 1);
  const answer = await post('minio', message(bad, putRecord('photos', 'acme/web/a')));
  expect(await answer.json()).toMatchObject({ accepted: 1, refused: 1 });
  expect((await post('minio', 'nonsense')).status).toBe(200);
  const { refused } = await fixture.jobs();
  expect(refused.map(({ text }) => text).sort()).toEqual(['nonsense', message(bad)].sort());
});

test('what two sources send alike and is refused of both is kept for each, and a redelivery only once', async () => {
  await fixture.declare('photos', withToken('minio'));
  await fixture.declare('videos', withToken('other'));
  await start();
  for (const path of ['minio', 'other', 'minio']) {
    expect((await post(path, 'nonsense')).status).toBe(200);
  }
  const { refused } = await fixture.jobs();
  expect(refused.map(({ buckets }) => buckets)).toEqual([['photos'], ['videos']]);
});

test('a body beyond the bound is refused', async () => {
  await fixture.declare('photos', withToken('minio'));
  await start({ ODOMETER_STORAGE_MAX_BODY_BYTES: '65536' });
  expect((await post('minio', 'x'.repeat(70_000))).status).toBe(413);
  expect(await fixture.jobs()).toEqual({ batches: [], refused: [] });
});

test('while Redis is away the answer is 503, and the same notification counts when it is back', async () => {
  await fixture.declare('photos', withToken('minio'));
  await start();
  fixture.redisProxy.refuse();
  const body = putMessage('photos', 'acme/web/a');
  const answer = await post('minio', body);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  fixture.redisProxy.pass();
  await eventually(async () => (await post('minio', body)).status === 200);
  expect([...new Set(await fixture.keys())]).toEqual(['acme/web/a']);
});

test('beyond the bound of unconfirmed records the answer is 503 at once', async () => {
  await fixture.declare('photos', withToken('minio'));
  await start({ ODOMETER_STORAGE_MAX_UNCONFIRMED_RECORDS: '100' });
  fixture.redisProxy.refuse();
  const records = Array.from({ length: 100 }, (_, index) => putRecord('photos', `a/b/${index}`));
  expect((await post('minio', message(...records))).status).toBe(503);
  const refused = await post('minio', putMessage('photos', 'a/b/one-more'));
  expect(refused.status).toBe(503);
  expect(await refused.text()).toContain('too many records');
  expect(await service.metric('odometer_storage_unconfirmed_records')).toBe(100);
  fixture.redisProxy.pass();
  await eventually(async () => (await fixture.keys()).length === 100);
});

test('a message of nothing but nonsense holds up neither its own good records nor another webhook', async () => {
  await fixture.declare('photos', withToken('minio'));
  await fixture.declare('videos', withToken('other'));
  await start({ ODOMETER_STORAGE_CONFIRM_DEADLINE_MS: '10000' });
  const bad = Array.from({ length: 80_000 }, (_, index) => ({ n: index }));
  const body = message(...bad, putRecord('photos', 'acme/web/a'));
  expect(body.length).toBeLessThan(1_048_576);
  const flood = post('minio', body);
  await eventually(
    async () =>
      (await fixture.metric(
        service,
        'odometer_storage_notifications_received_total{kind="webhook"}',
      )) > 0,
  );
  expect((await post('other', putMessage('videos', 'acme/web/b'))).status).toBe(200);
  expect(await (await flood).json()).toMatchObject({ accepted: 1, refused: 80_000 });
  const { refused } = await fixture.jobs();
  expect(refused).toEqual([{ buckets: ['photos'], text: message(...bad) }]);
  expect(await fixture.keys()).toEqual(['acme/web/a', 'acme/web/b']);
});

test('one source that is full does not make the others full', async () => {
  await fixture.declare('photos', withToken('shared'));
  await fixture.declare('ceph', signed('shared'));
  await start({ ODOMETER_STORAGE_MAX_UNCONFIRMED_RECORDS: '400' });
  fixture.redisProxy.refuse();
  const records = Array.from({ length: 100 }, (_, index) => putRecord('photos', `a/b/${index}`));
  expect((await post('shared', message(...records))).status).toBe(503);
  expect(await (await post('shared', putMessage('photos', 'a/b/c'))).text()).toContain(
    'too many records',
  );
  const body = putMessage('ceph', 'a/b/d');
  const signature = createHmac('sha256', SECRET).update(body).digest('hex');
  const other = await post('shared', body, { 'X-Signature': `sha256=${signature}` });
  expect(await other.text()).toContain('storage has not confirmed');
  fixture.redisProxy.pass();
  await eventually(async () => (await fixture.keys()).length === 101);
});

test('a stop with Redis away does not hang, and the epoch stays open for what may yet be there', async () => {
  await fixture.declare('photos', withToken('minio'));
  await start();
  fixture.redisProxy.refuse();
  expect((await post('minio', putMessage('photos', 'a/b/c'))).status).toBe(503);
  const started = Date.now();
  expect(await service.kill('SIGTERM')).toMatchObject({ code: 0 });
  expect(Date.now() - started).toBeLessThan(20_000);
  expect(service.log()).toContain('epoch_left_open');
});
