import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { runOdometer } from '@odometer/testing/run-odometer';
import { startTestRedis } from '@odometer/testing/test-redis';
import { hourlySums } from '../../test/applier-fixture.ts';
import { ask } from '../../test/ask-posthoc.ts';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';

// Commands are processes of their own, which take seconds to start on a busy machine.
jest.setTimeout(120_000);

const EXAMPLES = fileURLToPath(new URL('../../../../docs/examples/post-hoc', import.meta.url));
const WINDOW = '2026-08-15T10:00:00Z';

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  posthoc = await openPosthoc();
});
afterEach(() => posthoc.close());

/** Applies an example as it is shipped, and asks for the window. */
async function count(name: string, metric: string): Promise<Readonly<Record<string, string>>> {
  const applied = await runOdometer(['apply', '-f', join(EXAMPLES, name)], {
    DATABASE_URL: posthoc.url,
    REDIS_URL: redis.url,
  });
  expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
  await ask(posthoc.pool, metric, WINDOW);
  const [run] = await posthoc.ring('2026-08-15T12:00:00Z');
  expect(run).toMatchObject({ state: 'done', unmatchedLines: '0' });
  return hourlySums(posthoc.pool);
}

async function dimensions(): Promise<readonly string[]> {
  const { rows } = await posthoc.pool.query(
    `select e.project, e.data from (select p.slug as project, v.data from events v join projects p on p.id = v.project_id) e`,
  );
  return rows.map(({ project, data: { value, ...data } }) =>
    [project, ...Object.values(data), value].join(' '),
  );
}

const requests = () =>
  posthoc.write('alb/2026/08/15/a.log.gz', [
    albLine('10:00:00', 'web'),
    albLine('10:59:59', 'web', 1_000),
    albLine('10:30:00', 'app').replace('/app/x ', '/app/items/17 ').replace('200 200', '404 404'),
    albLine('11:00:00', 'web'),
  ]);

test('every example is tried here', () => {
  const source = readFileSync(fileURLToPath(import.meta.url), 'utf8');
  for (const name of readdirSync(EXAMPLES)) expect(source).toContain(`count('${name}'`);
});

test('requests of each project from the logs of a load balancer', async () => {
  requests();
  expect(await count('alb-requests.yaml', 'alb-requests')).toEqual({
    'acme/app api_calls': '1',
    'acme/web api_calls': '2',
  });
});

test('bytes of each project from the logs of a load balancer', async () => {
  requests();
  expect(await count('alb-bytes.yaml', 'alb-bytes')).toEqual({
    'acme/app data_transfer_bytes': '400',
    'acme/web data_transfer_bytes': '1434',
  });
});

test('calls of each route', async () => {
  requests();
  posthoc.write('alb/2026/08/16/late.log.gz', [
    albLine('10:01:00', 'web').replace(
      '/web/x ',
      '/web/9b2f1c3e-0a1b-4c2d-8e3f-123456789abc/7/x?y=1 ',
    ),
  ]);
  expect(await count('api-routes.yaml', 'api-routes')).toEqual({
    'acme/app route_calls': '1',
    'acme/web route_calls': '3',
  });
  expect([...(await dimensions())].sort()).toEqual([
    'app (unknown) GET 4xx 1',
    'web /web/:id/:id/x GET 2xx 1',
    'web /web/x GET 2xx 2',
  ]);
});

test('logins from the exported logs of an identity provider', async () => {
  const login = (id: number, at: string, type = 's', project: string | null = 'web') =>
    JSON.stringify({
      log_id: String(id),
      data: {
        date: `2026-08-15T${at}Z`,
        type,
        client_name: project,
        connection: 'google',
        user_id: 'x',
      },
    });
  posthoc.write('logins/2026/08/15/10-00.json.gz', [
    login(1, '10:00:00.000'),
    login(2, '10:10:00.123', 'f'),
    login(3, '10:20:00.000', 's', 'app'),
    login(4, '09:59:59.999'),
  ]);
  // Repeated, and delivered late.
  posthoc.write('logins/2026/08/15/12-30.json.gz', [
    login(1, '10:00:00.000'),
    login(5, '10:59:59.999'),
    login(6, '11:00:00.000'),
    login(7, '10:30:00.000', 's', null),
  ]);
  expect(await count('logins.yaml', 'exported-logins')).toEqual({
    'acme/app logins': '1',
    'acme/web logins': '2',
  });
});
