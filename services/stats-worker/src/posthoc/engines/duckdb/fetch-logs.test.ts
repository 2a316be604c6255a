import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AwsClients } from '@odometer/aws/aws-clients';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { type FakeS3Server, startFakeS3Server } from '@odometer/testing/fake-s3-server';
import { ACCESS_DENIED, type Answer, xml, xmlError } from '@odometer/testing/misbehaving-server';
import { startTestObjectStore, type TestObjectStore } from '@odometer/testing/test-object-store';
import { albLine, DECLARATION, LIMITS, REQUESTS } from '../../../../test/posthoc-fixture.ts';
import type { EngineAnswer } from '../engine.ts';
import { createDuckDbEngine } from './duckdb-engine.ts';

const START = Date.parse('2026-08-15T23:00:00Z');
const MEGABYTE = 1_048_576;

let aws: AwsClients;
beforeAll(() => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  aws = new AwsClients();
});
afterAll(() => aws.stop());

/** What the queries of this process have left. */
const workDirectories = () =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`odometer-duckdb-${process.pid}-`));

async function ask(
  endpoint: string,
  change: {
    readonly sql?: string;
    readonly source?: object;
    readonly maxBytes?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<EngineAnswer> {
  const { path, format } = DECLARATION.source;
  const metric = posthocDeclarationSchema.parse({
    ...DECLARATION,
    sql: change.sql ?? `${REQUESTS} order by 1`,
    source: {
      type: 's3',
      bucket: 'logs',
      endpoint,
      forcePathStyle: true,
      path,
      format,
      ...change.source,
    },
  });
  const engine = createDuckDbEngine({
    directory: undefined,
    limits: LIMITS,
    fetch: { aws, maxBytes: change.maxBytes ?? 100 * MEGABYTE },
  });
  const query = { metric, startMs: START, endMs: START + 3_600_000 };
  const signal = change.signal ?? new AbortController().signal;
  return (await engine.answer(query, null, signal)) as EngineAnswer;
}

const line = (second: string, project: string) =>
  `${albLine(`2026-08-15T23:00:${second}.000000Z`, project)}\n`;

describe('logs in a bucket', () => {
  let store: TestObjectStore;
  beforeEach(async () => {
    store = await startTestObjectStore();
    await store.createBucket('logs');
  });
  afterEach(() => store.stop());

  const put = async (key: string, body: string | Uint8Array<ArrayBuffer>) => {
    const path = key.split('/').map(encodeURIComponent).join('/');
    const response = await fetch(`${store.url}/logs/${path}`, { method: 'PUT', body });
    expect(response.ok).toBe(true);
  };

  test('of a window, and of what is delivered the next day, are fetched, read, and removed', async () => {
    const before = workDirectories();
    const compressed = new Uint8Array(gzipSync(line('01', 'web')));
    await put('alb/2026/08/15/a.log.gz', compressed);
    await put(`alb/2026/08/15/b +ü'"&.log`, line('02', 'app'));
    await put('alb/2026/08/16/late.log', albLine('2026-08-15T23:59:59.900000Z', 'web'));
    await put('alb/2026/08/15/empty.log.gz', '');
    await put('alb/2026/08/15/x/deeper.log', line('03', 'web'));
    await put('alb/2026/08/18/too-late.log', line('04', 'web'));
    await put('other/2026/08/15/a.log', line('05', 'web'));
    const { rows, scannedBytes, unmatchedLines } = await ask(store.url);
    expect(rows).toEqual([
      ['app', '1'],
      ['web', '2'],
    ]);
    expect(unmatchedLines).toBe(0n);
    expect(scannedBytes).toBeGreaterThan(BigInt(compressed.length));
    expect(workDirectories()).toEqual(before);
  });

  test('that are cut off are no answer, and those that took their place are one', async () => {
    const lines = Array.from({ length: 1_000 }, () => line('01', 'web')).join('');
    const whole = new Uint8Array(gzipSync(lines));
    await put('alb/2026/08/15/a.log.gz', whole.slice(0, -9));
    await expect(ask(store.url)).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringMatching(/alb\/2026\/08\/15\/a\.log\.gz .*cut off/),
    });
    await put('alb/2026/08/15/a.log.gz', whole);
    expect((await ask(store.url)).rows).toEqual([['web', '1000']]);
  });

  test('of which there are none are an answer without rows', async () => {
    expect(await ask(store.url)).toMatchObject({ rows: [], scannedBytes: 0n, logFiles: 0 });
  });

  test('that are large come in parts, and are whole', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => line('01', `p${i % 7}`));
    const body = lines.join('');
    expect(body.length).toBeGreaterThan(8 * MEGABYTE);
    await put('alb/2026/08/15/a.log', body);
    const { rows, scannedBytes } = await ask(store.url);
    expect(rows.reduce((sum, [, value]) => sum + Number(value), 0)).toBe(30_000);
    expect(scannedBytes).toBe(BigInt(body.length));
  });

  test('that are more than may be fetched are told, and nothing of them is fetched', async () => {
    await put('alb/2026/08/15/a.log', line('01', 'web').repeat(5_000));
    await expect(ask(store.url, { maxBytes: MEGABYTE })).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringMatching(
        /have \d MB, and 1 MB may be fetched \(ODOMETER_POSTHOC_FETCH_MB\)/,
      ),
    });
  });

  test('that are broken are named by their keys', async () => {
    await put('alb/2026/08/15/a.log.gz', 'no gzip');
    await expect(ask(store.url)).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining('alb/2026/08/15/a.log.gz'),
    });
  });
});

describe('a store that', () => {
  const bodies = new Map<string, string>();
  let bucket: SimulatedBucket;
  let server: FakeS3Server;
  beforeEach(async () => {
    bodies.clear();
    bucket = new SimulatedBucket({ name: 'logs', now: Date.now });
    server = await startFakeS3Server([bucket], { maxPage: 2 });
    for (let i = 0; i < 5; i += 1) store(`alb/2026/08/15/${i}.log`, line('01', `p${i}`));
    behave();
  });
  afterEach(() => server.close());

  const store = (key: string, body: string) => {
    bodies.set(key, body);
    bucket.put(key, Buffer.byteLength(body));
  };
  /** Objects are bytes here; `before` may answer otherwise. */
  const behave = (before: (key: string, nth: number) => Answer | undefined = () => undefined) => {
    let gets = 0;
    server.misbehave = ({ method, path, headers }) => {
      const key = decodeURIComponent(path.slice('/logs/'.length));
      const body = bodies.get(key);
      if (method !== 'GET' || body === undefined) return undefined;
      gets += 1;
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(String(headers.range)) ?? [];
      const part = body.slice(Number(from), Number(to) + 1);
      return before(key, gets) ?? { kind: 'answer', status: 206, body: part };
    };
  };
  const isList = (query: URLSearchParams) => query.has('list-type');

  test('gives few keys at a time is listed to the end', async () => {
    expect((await ask(server.url)).rows).toHaveLength(5);
    expect(server.requests.filter(({ query }) => isList(query)).length).toBeGreaterThan(2);
  });

  test('cuts an answer off is asked for that part again', async () => {
    behave((_key, nth) => (nth === 3 ? { kind: 'cut', body: 'h2 2026-08-15T23' } : undefined));
    const { rows } = await ask(server.url);
    expect(rows.map(([, value]) => value)).toEqual(['1', '1', '1', '1', '1']);
  });

  test('gives fewer bytes than it has listed gives no answer', async () => {
    behave((key) =>
      key.endsWith('/2.log') ? { kind: 'answer', status: 206, body: 'short' } : undefined,
    );
    await expect(ask(server.url)).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining('s3://logs/alb/2026/08/15/2.log'),
    });
  });

  test.each([
    ['denies us an object', ACCESS_DENIED, 'target_denied'],
    ['has another object by then', xmlError(412, 'PreconditionFailed'), 'target_invalid'],
    ['has removed an object', xmlError(404, 'NoSuchKey'), 'target_invalid'],
    ['has put an object on tape', xmlError(403, 'InvalidObjectState'), 'target_denied'],
  ] as const)('%s says so, and nothing is left behind', async (_what, answer, code) => {
    const before = workDirectories();
    behave((key) => (key.endsWith('/3.log') ? answer : undefined));
    await expect(ask(server.url)).rejects.toMatchObject({
      code,
      message: expect.stringContaining('s3://logs/alb/2026/08/15/3.log'),
    });
    expect(workDirectories()).toEqual(before);
  });

  test('asks each object for the version that was listed', async () => {
    await ask(server.url);
    const gets = server.requests.filter(({ path }) => path.endsWith('.log'));
    expect(gets).toHaveLength(5);
    for (const { headers } of gets) expect(headers['if-match']).toMatch(/^"[0-9a-f]{32}"$/);
  });

  test('has no such bucket, or denies us the listing, says so', async () => {
    await expect(ask(server.url, { source: { bucket: 'away' } })).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining('bucket away answers what cannot be used: NoSuchBucket'),
    });
    server.misbehave = () => ACCESS_DENIED;
    await expect(ask(server.url)).rejects.toMatchObject({ code: 'target_denied' });
  });

  test('lists what was not asked for is not believed', async () => {
    const listing =
      '<ListBucketResult><Name>logs</Name><IsTruncated>false</IsTruncated><Contents><Key>other/1.log</Key><Size>1</Size><ETag>"0"</ETag></Contents></ListBucketResult>';
    server.misbehave = () => xml(listing);
    await expect(ask(server.url)).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining('"other/1.log" is not below alb/2026/08/15/'),
    });
  });

  test('hangs is not waited for when the worker stops', async () => {
    const before = workDirectories();
    behave((key) => (key.endsWith('/3.log') ? { kind: 'hang' } : undefined));
    const stop = new AbortController();
    const asked = ask(server.url, { signal: stop.signal });
    const reason = new Error('the worker stops');
    setTimeout(() => stop.abort(reason), 500);
    await expect(asked).rejects.toBe(reason);
    expect(workDirectories()).toEqual(before);
  });
});
