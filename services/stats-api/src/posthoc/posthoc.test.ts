import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ApiFixture, startApi } from '../../test/api-fixture.ts';
import { seed } from '../../test/seed.ts';

/** Metrics worked out from logs, as they are answered; what becomes of runs is the worker's to test. */

let api: ApiFixture;

beforeAll(async () => {
  api = await startApi();
  await seed(api.pool);
}, 60_000);
afterAll(() => api.stop());

interface Page {
  readonly items: readonly {
    readonly metric: string;
    readonly windowStart: string;
    readonly revision: number;
    readonly state: string;
  }[];
  readonly nextCursor: string | null;
}

async function all(query: string, limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  let cursor = '';
  do {
    const path = `/api/v1/posthoc/runs?limit=${limit}${query}${cursor}`;
    const page = (await api.ask(`GET ${path}`, { key: 'reader' })).json<Page>();
    found.push(
      ...page.items.map(
        ({ metric, windowStart, revision, state }) =>
          `${metric} ${windowStart.slice(11, 13)} ${revision} ${state}`,
      ),
    );
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  return found;
}

test.each([1, 2, 1_000])('runs come once, the newest first, in pages of %i', async (limit) => {
  expect(await all('', limit)).toEqual([
    'logins 00 1 held',
    'alb 11 1 failed',
    'alb 10 2 done',
    'alb 10 1 done',
  ]);
  expect(await all('&metric=alb', limit)).toHaveLength(3);
  expect(await all('&state=done', limit)).toEqual(['alb 10 2 done', 'alb 10 1 done']);
  expect(await all('&metric=alb&state=failed', limit)).toEqual(['alb 11 1 failed']);
  expect(await all('&metric=nothing', limit)).toEqual([]);
});

test('a run says when it was asked, what was found, and by how much that is another figure', async () => {
  const { items } = (await api.ask('GET /api/v1/posthoc/runs?metric=alb')).json<Page>();
  expect(items.slice(0, 2)).toEqual([
    expect.objectContaining({
      state: 'failed',
      asOf: null,
      rows: null,
      difference: null,
      failure: 'target_invalid',
      detail: 'no such column',
      finishedAt: null,
    }),
    expect.objectContaining({
      windowStart: '2026-11-20T10:00:00.000Z',
      windowEnd: '2026-11-20T11:00:00.000Z',
      revision: 2,
      asOf: '2026-11-20T17:00:00.000Z',
      rows: 3,
      unmatchedLines: 1,
      scannedBytes: 1_024,
      logFiles: 12,
      total: '9007199254740993.5',
      events: 1,
      difference: -2,
      failure: null,
    }),
  ]);
});

test('a metric says how far it has come, and what waits for somebody', async () => {
  const { items } = (await api.ask('GET /api/v1/posthoc/metrics')).json<{ items: unknown[] }>();
  expect(items).toEqual([
    expect.objectContaining({
      name: 'alb',
      engine: 'duckdb',
      meter: 'requests',
      window: 'hour',
      revisions: ['1h', '6h', '24h', '48h'],
      answeredUntil: '2026-11-20T11:00:00.000Z',
      emptySince: null,
      heldWindows: 0,
      unfinishedRuns: 1,
      unfinishedSince: '2026-11-20T12:00:00.000Z',
    }),
    // As a newer version has declared it.
    expect.objectContaining({
      name: 'logins',
      engine: null,
      window: null,
      answeredUntil: null,
      heldWindows: 1,
      unfinishedRuns: 0,
      unfinishedSince: null,
    }),
  ]);
});

test.each(['runs', 'metrics'])(
  '%s are not for a key that is bound to an organization',
  async (what) => {
    const path = `GET /api/v1/posthoc/${what}`;
    expect((await api.ask(path, { key: 'acme-admin' })).status).toBe(403);
    expect((await api.ask(path, { key: 'reader' })).status).toBe(200);
  },
);

test.each(['cursor=x', 'state=lost', 'metric=%00', 'limit=0'])('%s is refused', async (query) => {
  expect((await api.ask(`GET /api/v1/posthoc/runs?${query}`)).status).toBe(400);
});
