import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ApiFixture, startApi } from '../test/api-fixture.ts';
import { projectId, seed } from '../test/seed.ts';

/** What is stored is what is answered. */

let api: ApiFixture;

beforeAll(async () => {
  api = await startApi();
  await seed(api.pool);
}, 60_000);

afterAll(() => api.stop());

test('a project by its number and by its name is the same', async () => {
  const id = await projectId(api.pool, 'web');
  for (const what of ['', '/stats', '/daily', '/monthly', '/devices']) {
    const byId = await api.ask(`GET /api/v1/projects/${id}${what}`);
    const byName = await api.ask(`GET /api/v1/projects/acme%2Fweb${what}`);
    expect([what, byId.status, byName.json()]).toEqual([what, 200, byId.json()]);
  }
});

test('figures beyond 2^53 are text, all others numbers, and the lifetime has what was late', async () => {
  const stats = (await api.ask('GET /api/v1/projects/acme%2Fweb/stats')).json();
  expect(stats).toMatchObject({
    organization: 'acme',
    project: 'web',
    month: new Date().toISOString().slice(0, 7),
    api_calls: '9007199254740993',
    lifetime_api_calls: '9007199254740996',
    total_storage_bytes: '3.25',
    total_devices: 1,
    active_devices: 1,
    meters: {
      tokens: { unit: 'token', month: '9007199254740993', lifetime: '9007199254740993' },
    },
  });
  const organization = (await api.ask('GET /api/v1/organizations/acme/stats')).json();
  expect(organization).toMatchObject({ api_calls: '9007199254740993', total_projects: 1 });
});

test('a project has a row for each of its days, and zeros where nothing was used', async () => {
  const { items } = (await api.ask('GET /api/v1/projects/acme%2Fweb/daily')).json<{
    items: Record<string, unknown>[];
  }>();
  expect(items.map(({ api_calls }) => api_calls)).toEqual([0, 0, 0, 42]);
  expect(items.at(-1)).toMatchObject({
    date: new Date().toISOString().slice(0, 10),
    storage_bytes: 7,
    final: false,
  });
});

test('an open month is a period without a row', async () => {
  const answer = await api.ask('GET /api/v1/periods/acme/2026-10');
  expect(answer.json()).toMatchObject({ state: 'open', manifest: null, draftedAt: null });
  const closed = await api.ask('GET /api/v1/periods/acme/2026-01');
  expect(closed.json()).toMatchObject({ state: 'final', manifest: { version: 1 } });
});
