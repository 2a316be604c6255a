import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inTransaction } from '@odometer/database/pool';
import { eventually } from '@odometer/testing/eventually';
import { type ApiAnswer, type ApiFixture, startApi } from '../test/api-fixture.ts';
import { seed } from '../test/seed.ts';
import { queryShape } from './http/query-string.ts';
import { routes } from './routes.ts';

/** Whatever is wrong, it is a problem that says what, and never a 500. */

let api: ApiFixture;

beforeAll(async () => {
  api = await startApi({ ODOMETER_STATS_STATEMENT_TIMEOUT_MS: '500' });
  await seed(api.pool);
}, 60_000);

afterAll(() => api.stop());

function expectProblem(answer: ApiAnswer, status: number, detail?: string): void {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    status,
    'application/problem+json',
  ]);
  const problem = answer.json<{ status: number; detail: string }>();
  expect(problem.status).toBe(status);
  if (detail !== undefined) expect(problem.detail).toBe(detail);
}

describe('an address that', () => {
  test.each(['/', '/api/v1', '/api/v1/projects/', '/API/v1/projects', '/api/v1/projects/1/2/3'])(
    'is none: %s',
    async (path) => {
      expectProblem(await api.ask(`GET ${path}`), 404, 'there is nothing at this address');
    },
  );

  test('takes other methods', async () => {
    const answer = await api.ask('DELETE /api/v1/projects');
    expectProblem(answer, 405, 'this address takes GET, HEAD, POST');
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
    expectProblem(await api.ask('POST /api/v1/openapi.json'), 405);
  });

  test('cannot be decoded', async () => {
    expectProblem(await api.ask('GET /api/v1/projects/%E0%A4%A'), 400);
  });
});

describe('a body that', () => {
  test.each([
    ['{', 'the body is not valid JSON'],
    ['', 'the body is not valid JSON'],
    ['[]', 'the body: should be of type object, not array'],
    ['{}', 'organization is missing; project is missing'],
    ['{"organization":"acme","project":"x","nam":"y"}', 'unknown field nam; did you mean name?'],
    [
      '{"organization":"a/b","project":1}',
      'organization: should be a valid name; project: should be of type string, not number',
    ],
    [
      '{"organization":"acme","project":"x\\u0000"}',
      'project holds U+0000 or half of a surrogate pair',
    ],
    [
      '{"organization":"acme","project":"x","name":"\\ud800"}',
      'name holds U+0000 or half of a surrogate pair',
    ],
    [
      '{"__proto__":{"admin":true},"organization":"acme","project":"x"}',
      '__proto__ is no name that can be used',
    ],
  ])('is wrong is answered with every reason: %s', async (body, detail) => {
    expectProblem(await api.ask('POST /api/v1/projects', { body }), 400, detail);
  });

  test('is too large', async () => {
    const answer = await api.ask('POST /api/v1/projects', { body: `"${'x'.repeat(1_100_000)}"` });
    expectProblem(answer, 413, 'the body is larger than 1000000 bytes');
  });

  test('is nested without end', async () => {
    const body = '['.repeat(100_000) + ']'.repeat(100_000);
    expectProblem(await api.ask('POST /api/v1/projects', { body }), 400);
  });

  test('is no JSON by its type', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expectProblem(await api.ask('POST /api/v1/projects', { body: 'a=b', headers }), 400);
  });

  test('never arrives whole is nobody’s error', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      'POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\nContent-Length: 100\r\n\r\n{',
    );
    socket.end();
    const gone =
      'odometer_stats_api_requests_total{route="POST /api/v1/projects",status_class="gone"}';
    await eventually(async () => (await api.service.metric(gone)) === 1);
  });
});

describe('a query that', () => {
  test.each([
    ['projects?limit=0', 'limit: Too small: expected number to be >=1'],
    ['projects?limit=1001', 'limit: Too big: expected number to be <=1000'],
    ['projects?limit=ten', 'limit: should be of type number, not string'],
    ['projects?limit=1&limit=2', 'limit: should be of type number, not array'],
    ['projects?cursor=nonsense', 'cursor: is no nextCursor of this listing'],
    ['projects?cursor=IjAi', 'cursor: is no nextCursor of this listing'],
    ['projects?limt=1', 'limt: is no parameter of this address; did you mean limit?'],
    ['projects/acme%2Fweb/daily?from=2026-02-30', 'from: should be a date, YYYY-MM-DD'],
    ['projects/acme%2Fweb/daily?from=2026-02-03&to=2026-02-02', 'from: should not be after to'],
    ['projects/acme%2Fweb/daily?to=10000-01-01', 'to: should be a date, YYYY-MM-DD'],
    ['projects/acme%2Fweb/daily?to=1969-12-31', 'to: should not be before 1970'],
    ['projects/acme%2Fweb/monthly?to=10000-01', 'to: should be a month, YYYY-MM'],
    ['projects/acme%2Fweb/monthly?from=2026-13', 'from: should be a month, YYYY-MM'],
    ['projects/acme%2Fweb/monthly?from=2026-03&to=2026-02', 'from: should not be after to'],
    [
      'projects/0/stats',
      'project: should be a number, or organization/project (in a path the slash is written %2F)',
    ],
    ['periods/acme/2026-1', 'month: should be a month, YYYY-MM'],
    ['limits?organization=acme&project=%00', 'project holds U+0000 or half of a surrogate pair'],
    [
      'meters/api_calls/query?subject=a&subject=%00',
      'subject.1 holds U+0000 or half of a surrogate pair',
    ],
    ['periods?state=opened', 'state: Invalid option: expected one of "draft"|"closing"|"final"'],
  ])('is wrong is answered with the reason: %s', async (path, detail) => {
    expectProblem(await api.ask(`GET /api/v1/${path}`), 400, detail);
  });

  test.each([
    [
      'projects/acme%2Fnothing',
      'there is no project acme/nothing; `odometer projects list` shows all projects',
    ],
    [
      'projects/999999999999999999/stats',
      'there is no project 999999999999999999; `odometer projects list` shows all projects',
    ],
    ['organizations/nobody', 'there is no organization nobody'],
    ['periods/nobody/2026-01', 'there is no organization nobody'],
    ['dead-letters/999', 'there is no dead letter 999; `odometer dead-letters list` shows them'],
  ])('asks for what is not there: %s', async (path, detail) => {
    expectProblem(await api.ask(`GET /api/v1/${path}`), 404, detail);
  });
});

/** What breaks out of text, out of JSON, out of a path, out of a number and out of a form, where it is pasted in. */
const HOSTILE = [
  "'",
  "' or '1'='1",
  '1; drop table projects; --',
  "1' union select hash from api_keys --",
  '$$; select pg_sleep(10); $$',
  '\\',
  '%00',
  '\u0000',
  '\ud800',
  '$.a[*] ? (@ like_regex "^(a+)+$")',
  '../../../etc/passwd',
  '9'.repeat(400),
  'NaN',
  'infinity',
  '2026-10-10T10:10:10+99:99',
  '9999-12-31',
  '0000-01-01',
  'WyI5OTk5LTEyIiwiOTk5OTk5OTk5OTk5OTk5OTk5Il0',
  Buffer.from('["2026-10-10\' or 1=1", {"a": 1}]').toString('base64url'),
  Buffer.from('"99999999999999999999999999"').toString('base64url'),
  '🙂'.repeat(50),
  'a'.repeat(5_000),
  '',
];

interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** Each value in each place of each route. */
function attempts(): readonly Attempt[] {
  return routes.flatMap(({ method, path, query, body }) =>
    HOSTILE.flatMap((value) => {
      // A lone surrogate cannot be written in an address.
      const text = encodeURIComponent(value.toWellFormed());
      const names = [...queryShape(query)].map(([name, form]) =>
        form.startsWith('record') ? `${name}[${text}]` : name,
      );
      const inQuery = [
        ...names.map((name) => `${name}=${text}`),
        `${text}=1`,
        `x[${text}]=${text}`,
      ];
      const paths = [
        path.replaceAll(/:\w+/g, text === '' ? '%20' : text),
        ...(method === 'get' ? inQuery.map((search) => `${harmless(path)}?${search}`) : []),
      ];
      const hostile = body === undefined ? undefined : hostileBody(value);
      return paths.map((each) => ({ method: method.toUpperCase(), path: each, body: hostile }));
    }),
  );
}

/** Connections at once. */
const CLIENTS = 6;

test('nothing hostile in any place of any address is more than a 400 or 404', async () => {
  const before = await tables();
  const statuses = new Map<number, number>();
  const queue = attempts().values();
  const client = async () => {
    for (const { method, path, body } of queue) {
      const answer = await api.ask(`${method} ${path}`, body === undefined ? {} : { body });
      const { status } = answer;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const outcome = [200, 400, 404].includes(status) ? 'fine' : answer.text;
      expect([method, path, status, outcome]).toEqual([method, path, status, 'fine']);
      if (status !== 200) {
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  expect(statuses.get(400)).toBeGreaterThan(1_000);
  expect(await tables()).toEqual(before);
}, 120_000);

function harmless(path: string): string {
  return path
    .replace(':project', 'acme%2Fweb')
    .replace(':organization', 'acme')
    .replace(':month', '2026-01')
    .replace(':meter', 'api_calls')
    .replace(':id', '1');
}

/** Refused in any case, so that what is written stays what it was. */
function hostileBody(value: string): unknown {
  return { organization: value, project: [value], device: { [value]: value }, [value]: value };
}

async function tables(): Promise<unknown> {
  const { rows } = await api.pool.query(
    `select (select count(*) from projects) as projects, (select count(*) from organizations) as organizations,
       (select count(*) from devices) as devices, (select count(*) from audit_log) as audited`,
  );
  return rows[0];
}

describe('when something is away or slow', () => {
  test('a statement beyond its time is a 503 that asks for less', async () => {
    await inTransaction(api.pool, async (transaction) => {
      await transaction.query('lock table gaps');
      const answer = await api.ask('GET /api/v1/gaps');
      expectProblem(
        answer,
        503,
        'the answer takes longer than 500 ms; ask for less at once, or later',
      );
      expect(answer.headers.get('retry-after')).toBe('1');
    });
    expect((await api.ask('GET /api/v1/gaps')).status).toBe(200);
  });

  test('without Postgres: 503 that tells no address, also keys are known; then it recovers by itself', async () => {
    api.postgres.refuse();
    const answer = await api.ask('GET /api/v1/projects');
    expectProblem(
      answer,
      503,
      'what this needs is away at the moment; send the same request again',
    );
    expect((await api.ask('GET /api/v1/projects', { key: 'nobody' })).status).toBe(401);
    await eventually(async () => !(await api.service.isReady()));
    api.postgres.pass();
    await eventually(async () => (await api.ask('GET /api/v1/projects')).status === 200);
    await eventually(() => api.service.isReady());
  });

  test('without Redis it reads and registers; what only a job can do is a 503', async () => {
    api.redis.refuse();
    expect((await api.ask('GET /api/v1/projects')).status).toBe(200);
    const body = { organization: 'acme', project: 'without-redis' };
    expect((await api.ask('POST /api/v1/projects', { body })).status).toBe(201);
    expectProblem(await api.ask('POST /api/v1/dead-letters/1/retry'), 503);
    api.redis.pass();
    await eventually(
      async () => (await api.ask('POST /api/v1/dead-letters/1/retry')).status === 200,
    );
  });
});
