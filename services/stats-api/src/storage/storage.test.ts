import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ApiFixture, startApi } from '../../test/api-fixture.ts';
import { projectId, seed } from '../../test/seed.ts';

/** What lies in buckets, as it is answered; what the ledger makes of notifications is the worker's to test. */

let api: ApiFixture;
let web: string;

beforeAll(async () => {
  api = await startApi();
  await seed(api.pool);
  web = await projectId(api.pool, 'web');
}, 60_000);
afterAll(() => api.stop());

test('a bucket shows what lies in it by type, and what of it is nobody’s', async () => {
  const { items } = (await api.ask('GET /api/v1/buckets')).json<{ items: unknown[] }>();
  expect(items).toEqual([
    {
      id: '1',
      name: 'assets',
      bucket: 'acme-assets',
      region: 'eu-central-1',
      account: null,
      endpoint: null,
      ledger: 'full',
      notifications: 'sqs',
      levels: [
        {
          type: 'object',
          bytes: 11_000,
          objects: 2,
          unattributedBytes: 11_000,
          unattributedObjects: 2,
        },
        {
          type: 'scene',
          bytes: '9007199254740993',
          objects: 2,
          unattributedBytes: 0,
          unattributedObjects: 0,
        },
      ],
    },
  ]);
});

interface ObjectPage {
  readonly items: readonly { readonly key: string; readonly location: string }[];
  readonly nextCursor: string | null;
}

async function allKeys(path: string): Promise<readonly string[]> {
  const keys: string[] = [];
  let cursor = '';
  do {
    const page = (await api.ask(`GET ${path}&limit=1${cursor}`)).json<ObjectPage>();
    keys.push(...page.items.map(({ key }) => key));
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  return keys;
}

test('objects of a bucket are paged in the order of their keys; a prefix is no pattern', async () => {
  const objects = '/api/v1/buckets/assets/objects?prefix=';
  expect(await allKeys(objects)).toEqual([
    'acme/web/scenes/7/a',
    'acme/web/scenes/70/a',
    'other/x',
    'ü/%_',
  ]);
  expect(await allKeys(`${objects}acme/web/scenes/7/&removed=true`)).toEqual([
    'acme/web/scenes/7/a',
    'acme/web/scenes/7/b',
  ]);
  expect(await allKeys(`${objects}${encodeURIComponent('ü/%_')}`)).toEqual(['ü/%_']);
  expect(await allKeys(`${objects}${encodeURIComponent('%')}`)).toEqual([]);
  expect(await allKeys('/api/v1/buckets/nowhere/objects?prefix=')).toEqual([]);
});

test('what belongs to one scene of a project is found by its id', async () => {
  const path = `/api/v1/projects/${web}/objects?type=scene&objectId=7`;
  const page = (await api.ask(`GET ${path}`, { key: 'acme-reader' })).json<ObjectPage>();
  expect(page.items).toMatchObject([
    { key: 'acme/web/scenes/7/a', location: 's3://acme-assets/acme/web/scenes/7/a', bytes: 1 },
  ]);
});

test('the newest measurement of a target says what it came to, and when there was a result last', async () => {
  const { items } = (await api.ask('GET /api/v1/measurements')).json<{ items: unknown[] }>();
  expect(items).toMatchObject([
    {
      target: 'assets',
      state: 'failed',
      failure: 'target_denied',
      completeAt: '2026-11-22T10:00:00.000Z',
    },
  ]);
});

test.each(['/api/v1/buckets', '/api/v1/buckets/assets/objects', '/api/v1/measurements'])(
  '%s is not for a key that is bound to an organization',
  async (path) => {
    expect((await api.ask(`GET ${path}`, { key: 'acme-reader' })).status).toBe(403);
    expect((await api.ask(`GET ${path}`, { key: 'reader' })).status).toBe(200);
  },
);

test.each(['cursor=x', 'limit=0', 'removed=maybe', 'prefix=%00'])(
  '%s is refused',
  async (query) => {
    expect((await api.ask(`GET /api/v1/buckets/assets/objects?${query}`)).status).toBe(400);
  },
);

test('what is left of a deleted scene is orphaned, whoever says so and however often', async () => {
  const body = { objectType: 'scene', objectId: '7' };
  const path = 'acme%2Fweb/deleted-owners';
  for (const key of ['acme-admin', 'admin']) {
    const { status } = await api.ask(`POST /api/v1/projects/${path}`, { key, body });
    expect(status).toBe(204);
  }
  expect(await allKeys('/api/v1/projects/acme%2Fweb/orphans?')).toEqual([
    'acme/web/scenes/7/a',
    'acme/web/scenes/70/a',
  ]);
  const { items } = (await api.ask('GET /api/v1/projects/acme%2Fweb/orphans')).json<{
    items: unknown[];
  }>();
  expect(items).toMatchObject([
    { recordedBy: expect.stringMatching(/^key:./), recordedAt: expect.stringMatching(/Z$/) },
    { recordedBy: 'event:my-app', recordedAt: '2026-11-03T00:00:00.000Z' },
  ]);
  const refused = await api.ask('POST /api/v1/projects/globex%2Fsecret/deleted-owners', {
    key: 'acme-admin',
    body,
  });
  expect(refused.status).toBe(403);
});

test('a mistaken word is taken back by an admin, and the audit log tells who did', async () => {
  const said = '/api/v1/projects/acme%2Fweb/deleted-owners';
  const scene = '?objectType=scene&objectId=';
  for (const [query, key, status] of [
    [`${scene}70`, 'acme-reader', 403],
    [scene, 'acme-admin', 400],
  ] as const) {
    expect((await api.ask(`DELETE ${said}${query}`, { key })).status).toBe(status);
  }
  for (const withdrawn of [true, false]) {
    const answer = await api.ask(`DELETE ${said}${scene}70`, { key: 'acme-admin' });
    expect(answer.json()).toEqual({ withdrawn });
  }
  expect(await allKeys('/api/v1/projects/acme%2Fweb/orphans?')).not.toContain(
    'acme/web/scenes/70/a',
  );
  const { rows } = await api.pool.query(
    "select actor, subject, detail from audit_log where action = 'owner.undelete'",
  );
  expect(rows).toEqual([
    {
      actor: expect.stringMatching(/^key:/),
      subject: 'acme/web',
      detail: { objectType: 'scene', objectId: '70' },
    },
  ]);
});

test('15. stored bytes beyond 2^53 are exact in the figures of a project', async () => {
  await api.pool.query('update usage_monthly set last = 9007199254740995 where last = 3.25');
  const stats = (await api.ask('GET /api/v1/projects/acme%2Fweb/stats')).json();
  expect(stats).toMatchObject({ total_storage_bytes: '9007199254740995' });
});
