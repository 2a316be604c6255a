import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { revokeApiKey } from '@odometer/database/api-keys';
import { eventually } from '@odometer/testing/eventually';
import { type ApiFixture, startApi } from '../test/api-fixture.ts';
import { CLOSED_MONTH, projectId, seed } from '../test/seed.ts';
import { routes } from './routes.ts';

/** Who may ask for what: the compiled service as a process, against a real Postgres and a real Redis. */

let api: ApiFixture;
let own: string;
let foreign: string;

beforeAll(async () => {
  api = await startApi();
  await seed(api.pool);
  own = await projectId(api.pool, 'web');
  foreign = await projectId(api.pool, 'secret');
}, 60_000);

afterAll(() => api.stop());

describe('keys', () => {
  test.each([
    ['GET /api/v1/projects', null, 401],
    ['GET /api/v1/projects', 'unknown', 401],
    ['GET /api/v1/projects', 'ingester', 403],
    ['GET /api/v1/projects', 'reader', 200],
    ['GET /api/v1/projects', 'admin', 200],
    ['GET /api/v1/audit', 'reader', 403],
    ['GET /api/v1/audit', 'admin', 200],
    ['POST /api/v1/projects', 'reader', 403],
  ])('%s with key %s is answered with %i', async (request, key, status) => {
    const answer = await api.ask(request, { key });
    expect(answer.status).toBe(status);
    if (status !== 200) expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('every route asks for a key before anything else', async () => {
    for (const { method, path } of routes) {
      const answer = await api.ask(`${method.toUpperCase()} ${path.replaceAll(/:\w+/g, '%00')}`, {
        key: null,
      });
      expect([path, answer.status]).toEqual([path, 401]);
    }
  });

  test('one that is revoked is refused within the refresh interval', async () => {
    const { rows } = await api.pool.query<{ id: string }>(
      "select id from api_keys where name = 'reader'",
    );
    await revokeApiKey(api.pool, rows[0]?.id ?? '');
    await eventually(async () => {
      const { status } = await api.ask('GET /api/v1/projects', { key: 'reader' });
      return status === 401;
    });
  });
});

describe('a key of one organization', () => {
  const others = () => [
    `projects/${foreign}`,
    'projects/999999999',
    'projects/globex%2Fsecret',
    'projects/globex%2Fnothing',
    'projects/nobody%2Fnothing',
    ...['stats', 'daily', 'monthly', 'devices'].flatMap((what) => [
      `projects/${foreign}/${what}`,
      `projects/999999999/${what}`,
      `projects/globex%2Fsecret/${what}`,
      `projects/globex%2Fnothing/${what}`,
    ]),
    ...['', '/stats', '/daily', '/monthly'].flatMap((what) => [
      `organizations/globex${what}`,
      `organizations/nobody${what}`,
    ]),
    'projects?organization=globex',
    'projects?organization=nobody',
    'devices?organization=globex',
    `devices?project=${foreign}`,
    'devices?project=globex%2Fsecret',
    'periods?organization=globex',
    `periods/globex/${CLOSED_MONTH}`,
    `periods/nobody/${CLOSED_MONTH}`,
    'adjustments?organization=globex',
    `adjustments?project=${foreign}`,
    'adjustments?project=999999999',
  ];

  test('gets the same answer for what is somebody else’s as for what does not exist', async () => {
    const answers = new Set<string>();
    for (const path of others()) {
      const { status, text } = await api.ask(`GET /api/v1/${path}`, { key: 'acme-reader' });
      const { instance: _, ...problem } = JSON.parse(text);
      expect([path, status]).toEqual([path, 403]);
      answers.add(JSON.stringify(problem));
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).not.toMatch(/globex|secret/);
  });

  test('may not write there either, with the scope admin', async () => {
    const before = await counts();
    for (const [request, body] of [
      ['POST /api/v1/organizations', { organization: 'globex' }],
      ['POST /api/v1/projects', { organization: 'globex', project: 'new' }],
      ['POST /api/v1/devices', { project: 'globex/secret', device: 'new' }],
      ['POST /api/v1/devices', { project: foreign, device: 'new' }],
      [`POST /api/v1/projects/${foreign}/archive`, undefined],
      ['POST /api/v1/dead-letters/2/retry', undefined],
      ['POST /api/v1/dead-letters/3/retry', undefined],
      ['POST /api/v1/dead-letters/999/retry', undefined],
      ['GET /api/v1/dead-letters/2', undefined],
      ['GET /api/v1/dead-letters/3', undefined],
      ['GET /api/v1/dead-letters/4', undefined],
    ] as const) {
      const { status } = await api.ask(request, { key: 'acme-admin', body });
      expect([request, status]).toEqual([request, 403]);
    }
    expect(await counts()).toEqual(before);
  });

  test('sees its own', async () => {
    const key = 'acme-admin';
    for (const path of [
      `projects/${own}`,
      'projects/acme%2Fweb/stats',
      `projects/${own}/daily`,
      'organizations/acme/monthly',
      `periods/acme/${CLOSED_MONTH}`,
      'dead-letters/1',
    ]) {
      const { status } = await api.ask(`GET /api/v1/${path}`, { key });
      expect([path, status]).toEqual([path, 200]);
    }
    expect((await api.ask('GET /api/v1/projects/acme%2Fnothing', { key })).status).toBe(404);
  });

  test('finds nothing of others in any listing', async () => {
    const listings = 'organizations projects devices periods adjustments dead-letters gaps audit';
    for (const path of listings.split(' ')) {
      const { status, text } = await api.ask(`GET /api/v1/${path}`, { key: 'acme-admin' });
      expect([path, status]).toEqual([path, 200]);
      expect([path, text]).toEqual([path, expect.not.stringMatching(/globex|secret|mqtt\/one/)]);
      expect([path, JSON.parse(text).items.length > 0]).toEqual([path, true]);
    }
  });

  test('sees that a shared batch died, and nothing that it says of others', async () => {
    const { items } = (await api.ask('GET /api/v1/dead-letters', { key: 'acme-reader' })).json<{
      items: { jobId: string; reason: string | null }[];
    }>();
    expect(items.map(({ jobId, reason }) => [jobId, reason])).toEqual([
      ['dead.3', null],
      ['dead.1', 'reason 1'],
    ]);
  });
});

async function counts(): Promise<unknown> {
  const { rows } = await api.pool.query(
    `select (select count(*) from organizations) as organizations, (select count(*) from projects) as projects,
       (select count(*) from projects where archived_at is not null) as archived,
       (select count(*) from devices) as devices, (select count(*) from audit_log) as audited,
       (select count(*) from dead_letters where retried_at is not null) as retried`,
  );
  return rows[0];
}
