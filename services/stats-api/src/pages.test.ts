import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiFixture, startApi } from '../test/api-fixture.ts';
import { seed } from '../test/seed.ts';

/** Listings in pages, while rows come. */

let api: ApiFixture;

beforeAll(async () => {
  api = await startApi();
  await seed(api.pool);
  await api.pool.query(`
    insert into projects (organization_id, slug)
      select (select id from organizations where slug = 'acme'), 'p-' || n from generate_series(1, 60) n;
    insert into devices (project_id, slug) select id, 'd-' || n from projects, generate_series(1, 3) n where slug like 'p-%';
    insert into device_usage_daily (project_id, device_id, meter_id, day, organization_id, sum, count)
      select p.id, v.id, m, date_trunc('day', now(), 'UTC') - n * interval '1 day', p.organization_id, n, 1
      from projects p join devices v on v.project_id = p.id, unnest(array[1, 2, 7]) m, generate_series(0, 9) n
      where p.slug = 'p-1';
    insert into gaps (source, reason, ended_at) select 'mqtt/' || n, 'session_lost', now() from generate_series(1, 50) n;
    insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
      select organization_id, id, 7, '2026-01-05T10:00Z', date_trunc('month', now(), 'UTC'), 3, 1
      from projects where slug like 'p-%';
    insert into periods (organization_id, month, state, drafted_at)
      select o.id, '2024-01-01Z'::timestamptz + n * interval '1 month', 'draft', now()
      from organizations o, generate_series(0, 11) n;
  `);
}, 60_000);

afterAll(() => api.stop());

type Item = Readonly<Record<string, unknown>>;

/** All pages of a listing; `between` runs after each. */
async function readAll(
  path: string,
  limit: number,
  between: (page: number) => Promise<unknown> = async () => undefined,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  let page = 0;
  do {
    const search: string = cursor === null ? '' : `&cursor=${cursor}`;
    const joint = path.includes('?') ? '&' : '?';
    const answer = await api.ask(`GET /api/v1/${path}${joint}limit=${limit}${search}`);
    expect(answer.status).toBe(200);
    const json = answer.json<{ items: Item[]; nextCursor: string | null }>();
    expect(json.items.length).toBeLessThanOrEqual(limit);
    expect(json.items.length === limit || json.nextCursor === null).toBe(true);
    items.push(...json.items);
    cursor = json.nextCursor;
    page += 1;
    await between(page);
  } while (cursor !== null);
  return items;
}

const identity = (item: Item) => JSON.stringify(item);

describe('every item comes once', () => {
  test.each([
    ['projects', 62],
    ['projects?organization=acme', 61],
    ['devices', 182],
    ['projects/acme%2Fp-1/devices', 90],
    ['projects/acme%2Fp-1/devices?device=d-2&meter=api_calls', 10],
    ['gaps', 51],
    ['adjustments', 62],
    ['adjustments?project=acme%2Fp-7', 1],
    ['periods', 28],
    ['periods?organization=acme&state=draft', 13],
    ['dead-letters', 4],
    ['organizations', 2],
  ])(
    '%s',
    async (path, count) => {
      for (const limit of [1, 7, 1_000]) {
        const items = await readAll(path, limit);
        expect([limit, items.length, new Set(items.map(identity)).size]).toEqual([
          limit,
          count,
          count,
        ]);
      }
    },
    60_000,
  );

  test('days and months too, in order', async () => {
    for (const [what, member] of [
      ['daily', 'date'],
      ['monthly', 'month'],
    ] as const) {
      for (const owner of ['projects/acme%2Fweb', 'organizations/acme']) {
        const all = await readAll(`${owner}/${what}`, 1_000);
        const paged = await readAll(`${owner}/${what}`, 1);
        expect(paged).toEqual(all);
        expect(paged.length).toBeGreaterThan(0);
        expect(all.map((item) => item[member])).toEqual(all.map((item) => item[member]).toSorted());
      }
    }
  });
});

test('rows that are inserted between two pages displace nothing', async () => {
  for (const [path, insert] of [
    [
      'projects',
      (n: number) =>
        `insert into projects (organization_id, slug) select min(id), 'new-${n}' from organizations`,
    ],
    [
      'gaps',
      (n: number) =>
        `insert into gaps (source, reason, ended_at) values ('x-${n}', 'session_lost', now())`,
    ],
    [
      'periods',
      (n: number) =>
        `insert into periods (organization_id, month, state, drafted_at)
         select id, '2025-01-01Z'::timestamptz + ${n} * interval '1 month', 'draft', now() from organizations
         on conflict do nothing`,
    ],
  ] as const) {
    const before = new Set((await readAll(path, 1_000)).map(identity));
    const paged = (
      await readAll(path, 5, (page) => api.pool.query(insert(page % 11)).catch(() => undefined))
    ).map(identity);
    expect([path, new Set(paged).size]).toEqual([path, paged.length]);
    expect([path, [...before].filter((item) => !paged.includes(item))]).toEqual([path, []]);
  }
});

test('a range leaves out what is outside, and its end', async () => {
  const today = new Date().toISOString().slice(0, 10);
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const days = await readAll(`projects/acme%2Fweb/daily?from=${yesterday}&to=${today}`, 10);
  expect(days.map(({ date }) => date)).toEqual([yesterday]);
  const devices = await readAll(`projects/acme%2Fp-1/devices?from=${yesterday}&to=${today}`, 10);
  expect(new Set(devices.map(({ date }) => date))).toEqual(new Set([yesterday]));
  expect(await readAll(`projects/acme%2Fweb/daily?from=${today}&to=${today}`, 10)).toEqual([]);
});
