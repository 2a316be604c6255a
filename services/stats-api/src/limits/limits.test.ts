import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiFixture, type AskOptions, startApi } from '../../test/api-fixture.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi();
  await api.pool.query(`
    insert into organizations (slug) values ('acme'), ('other'), ('planless');
    insert into projects (organization_id, slug) values (1, 'web'), (2, 'secret'), (3, 'web')`);
  await ask('POST /api/v1/plans', { body: PRO });
  await ask('PUT /api/v1/organizations/acme/plan', { body: { plan: 'pro' } });
  await api.pool.query(`insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
    select 1, m.id, date_trunc('month', now(), 'UTC'), 1, v.sum::numeric, 1
    from meters m join (values ('api_calls', '1250'), ('logs', '90'), ('logins', '36028797018963968.5')) v (slug, sum) using (slug)`);
});
afterAll(() => api.stop());

const PRO = {
  slug: 'pro',
  name: 'Pro',
  currency: 'EUR',
  limits: [
    { meter: 'api_calls', scope: 'project', included: 1_000, pricePerUnit: '0.002' },
    { meter: 'logins', scope: 'organization', included: 'unlimited' },
    { meter: 'logs', scope: 'organization', included: '100', hard: true },
    { meter: 'logs', scope: 'project', included: '100', hard: true },
    { meter: 'users', scope: 'organization', included: 5, hard: true },
  ],
};

const ask = (request: string, options?: AskOptions) => api.ask(request, options);
const WEB = { organization: 'acme', project: 'web' };

test('all limits of a project tell what is included, used and left, exactly', async () => {
  const answer = await ask('GET /api/v1/limits?organization=acme&project=web');
  const { plan, limits } = answer.json<{ plan: unknown; limits: readonly unknown[] }>();
  expect(plan).toEqual({ slug: 'pro', version: 1, name: 'Pro', currency: 'EUR' });
  expect(limits).toHaveLength(5);
  expect(limits[0]).toEqual({
    meter: 'api_calls',
    scope: 'project',
    included: 1_000,
    unlimited: false,
    hard: false,
    used: 1_250,
    reserved: 0,
    remaining: 0,
    resetsAt: expect.stringMatching(/-01T00:00:00\.000Z$/),
    pricePerUnit: '0.002',
    chargeSoFar: 1,
  });
  expect(limits[1]).toMatchObject({
    meter: 'logins',
    included: null,
    unlimited: true,
    used: '36028797018963968.5',
    remaining: null,
  });
});

test('an organization without a plan is told that nothing limits it', async () => {
  const all = await ask('GET /api/v1/limits?organization=planless');
  expect(all.json()).toEqual({ plan: null, limits: [] });
  const body = { organization: 'planless', project: 'web', meter: 'logs', quantity: '1e29' };
  expect((await ask('POST /api/v1/limits/check', { body })).json()).toMatchObject({
    allowed: true,
    limit: null,
    unlimited: true,
    used: 0,
    remaining: null,
    plan: null,
  });
});

test('a check answers, with the limit that decides', async () => {
  const check = async (quantity: unknown) =>
    (await ask('POST /api/v1/limits/check', { body: { ...WEB, meter: 'logs', quantity } })).json<
      Record<string, unknown>
    >();
  expect(await check(10)).toMatchObject({ allowed: true, limit: 100, used: 90, remaining: 10 });
  expect(await check('10.000000000001')).toMatchObject({ allowed: false, hard: true });
});

test('an archived project is checked and reserves like any other', async () => {
  await api.pool.query(
    "insert into projects (organization_id, slug, archived_at) values (1, 'gone', now())",
  );
  const body = { organization: 'acme', project: 'gone', meter: 'logs' };
  const check = (quantity: number) =>
    ask('POST /api/v1/limits/check', { body: { ...body, quantity } });
  expect((await check(10)).json()).toMatchObject({ allowed: true, used: 90, remaining: 10 });
  expect((await check(11)).json()).toMatchObject({ allowed: false });
  const reserved = await ask('POST /api/v1/limits/reserve', { body: { ...body, quantity: 10 } });
  const { id } = reserved.json<{ id: string }>();
  expect(reserved.json()).toMatchObject({ allowed: true, state: 'open' });
  expect((await ask(`DELETE /api/v1/limits/reservations/${id}`)).status).toBe(204);
});

describe('a reservation', () => {
  test('is made once per id, refused beyond the limit, and given back', async () => {
    const reserve = (body: Record<string, unknown>, key = 'ingester') =>
      ask('POST /api/v1/limits/reserve', { key, body: { ...WEB, meter: 'logs', ...body } });
    const id = randomUUID();
    const first = await reserve({ quantity: 8, id: id.toUpperCase(), expiresInSeconds: 60 });
    expect(first.json()).toMatchObject({ allowed: true, id, state: 'open' });
    expect((await reserve({ quantity: '8.0', id })).json()).toMatchObject({
      id,
      expiresAt: first.json<{ expiresAt: string }>().expiresAt,
    });
    expect((await reserve({ quantity: 3 })).json()).toMatchObject({
      allowed: false,
      id: null,
      expiresAt: null,
      reserved: 8,
      remaining: 2,
    });
    expect((await reserve({ quantity: 9, id })).status).toBe(409);
    const release = () => ask(`DELETE /api/v1/limits/reservations/${id}`, { key: 'ingester' });
    expect((await release()).status).toBe(204);
    expect((await release()).status).toBe(204);
    expect((await reserve({ quantity: 10 })).json()).toMatchObject({ allowed: true });
    const unknown = await ask(`DELETE /api/v1/limits/reservations/${randomUUID()}`);
    expect(unknown.status).toBe(404);
    expect((await reserve({ quantity: 1 }, 'reader')).status).toBe(403);
  });
});

test.each([
  [{ quantity: -1 }, /quantity: value is negative/],
  [{ quantity: 'NaN' }, /quantity: value is not a decimal number/],
  [{ quantity: 1e200 }, /quantity: value is an integer beyond 2\^53/],
  [{ quantity: '9'.repeat(31) }, /quantity: value has more than 30 digits/],
  [{ quantity: true }, /^quantity: should be of type number or string, not boolean$/],
  [{}, /quantity is missing/],
  [{ quantity: 1, meter: 'no_meter' }, /no limit can be on no_meter: there is no such meter/],
  [{ quantity: 1, meter: "'; drop table meters" }, /there is no such meter/],
  [{ quantity: 1, organization: 'a/b' }, /organization: should be a valid name/],
  [{ quantity: 1, metre: 'logs' }, /unknown field metre/],
])('a question with %j gets a problem that says what is wrong', async (change, detail) => {
  const answer = await ask('POST /api/v1/limits/check', {
    body: { ...WEB, meter: 'logs', ...change },
  });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json<{ detail: string }>().detail).toMatch(detail);
});

test.each([{ expiresInSeconds: 0 }, { expiresInSeconds: 86_401 }, { quantity: 0 }, { id: 'x' }])(
  'a reservation with %j is refused',
  async (change) => {
    const body = { ...WEB, meter: 'logs', quantity: 1, ...change };
    expect((await ask('POST /api/v1/limits/reserve', { body })).status).toBe(400);
  },
);

test('a key of one organization learns nothing of another, existing or not', async () => {
  const check = { project: 'secret', meter: 'logs', quantity: 1 };
  const other = await reserveFor('other');
  const requests: readonly [string, AskOptions][] = [
    ['GET /api/v1/limits?organization=other&project=secret', { key: 'acme-reader' }],
    ['GET /api/v1/limits?organization=nobody', { key: 'acme-reader' }],
    [
      'POST /api/v1/limits/check',
      { key: 'acme-reader', body: { organization: 'other', ...check } },
    ],
    [
      'POST /api/v1/limits/check',
      { key: 'acme-reader', body: { organization: 'nobody', ...check } },
    ],
    [
      'POST /api/v1/limits/reserve',
      { key: 'acme-admin', body: { organization: 'other', ...check } },
    ],
    [`DELETE /api/v1/limits/reservations/${other}`, { key: 'acme-admin' }],
    [`DELETE /api/v1/limits/reservations/${randomUUID()}`, { key: 'acme-admin' }],
    ['GET /api/v1/plans/free', { key: 'acme-reader' }],
    ['POST /api/v1/plans', { key: 'acme-admin', body: PRO }],
    ['PUT /api/v1/organizations/acme/plan', { key: 'acme-admin', body: { plan: null } }],
    ['PUT /api/v1/organizations/other/users', { key: 'acme-admin', body: { users: 1 } }],
    // Nor does it set what it is billed by.
    ['PUT /api/v1/organizations/acme/users', { key: 'acme-admin', body: { users: 0 } }],
  ];
  const answers = await Promise.all(requests.map(([request, options]) => ask(request, options)));
  expect(answers.map(({ status }) => status)).toEqual(requests.map(() => 403));
  const texts = answers.map((answer) => answer.json<{ detail: string }>().detail);
  expect(new Set(texts).size).toBe(1);
});

async function reserveFor(organization: string): Promise<string> {
  const body = { organization, meter: 'logs', quantity: 1 };
  return (await ask('POST /api/v1/limits/reserve', { body })).json<{ id: string }>().id;
}

describe('plans', () => {
  test('are answered as they can be sent again, which changes nothing', async () => {
    const plan = (await ask('GET /api/v1/plans/pro', { key: 'acme-reader' })).json<
      Record<string, unknown>
    >();
    const { version, validFrom, ...sent } = plan;
    expect(version).toBe(1);
    expect(typeof validFrom).toBe('string');
    expect((await ask('POST /api/v1/plans', { body: sent })).json()).toEqual(plan);
    expect((await ask('GET /api/v1/plans')).json()).toEqual({ items: [plan] });
    expect((await ask('GET /api/v1/plans', { key: 'acme-reader' })).json()).toEqual({
      items: [plan],
    });
    expect((await ask('GET /api/v1/plans/gold')).status).toBe(404);
  });

  test('refuse what makes no sense, and say where', async () => {
    const limits = [{ meter: 'logs', scope: 'galaxy', included: -1 }];
    const answer = await ask('POST /api/v1/plans', { body: { ...PRO, limits } });
    expect(answer.status).toBe(400);
    expect(answer.json<{ detail: string }>().detail).toMatch(
      /limits\.0\.scope.*limits\.0\.included: value is negative/,
    );
    expect((await ask('GET /api/v1/plans/pro')).json()).toMatchObject({ version: 1 });
  });

  test('and users of an organization are set by an administrator, and audited', async () => {
    const set = (what: string, body: unknown) =>
      ask(`PUT /api/v1/organizations/acme/${what}`, { body });
    expect((await set('users', { users: 4 })).json()).toEqual({ organization: 'acme', users: 4 });
    expect((await set('users', { users: -1 })).status).toBe(400);
    expect((await set('plan', { plan: 'gold' })).status).toBe(404);
    const body = { organization: 'acme', meter: 'users', quantity: 2 };
    expect((await ask('POST /api/v1/limits/check', { body })).json()).toMatchObject({
      allowed: false,
      used: 4,
      resetsAt: null,
    });
    const { rows } = await api.pool.query(
      "select action, detail from audit_log where subject = 'acme' order by id",
    );
    expect(rows).toEqual([
      { action: 'organization.plan', detail: { from: null, to: 'pro' } },
      { action: 'organization.users', detail: { from: 0, to: 4 } },
    ]);
    expect(
      (await ask('PUT /api/v1/organizations/nobody/plan', { body: { plan: 'pro' } })).status,
    ).toBe(404);
  });
});
