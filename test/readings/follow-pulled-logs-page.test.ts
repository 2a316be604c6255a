import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { freePort } from '@odometer/local-stack/tcp-port';
import { eventually } from '@odometer/testing/eventually';
import { type Auth0Log, FakeAuth0 } from '@odometer/testing/fake-auth0';
import { type OdometerRun, runOdometer } from '@odometer/testing/run-odometer';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { startTestRedis } from '@odometer/testing/test-redis';
import { useTestDatabase } from '@odometer/testing/use-test-database';

/**
 * docs/pulled-logs.md, followed to the letter: its variables, its file and its commands, with the services as they are, against a
 * server that answers as Auth0 does.
 */

jest.setTimeout(240_000);

const PAGE = readFileSync(new URL('../../docs/pulled-logs.md', import.meta.url), 'utf8');
const examples = (language: string): readonly string[] =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, text = '']) => text,
  );
const [variables = '', commands = ''] = examples('sh');
const secrets = Object.fromEntries(
  variables
    .trim()
    .split('\n')
    .map((line): [string, string] => {
      const [name = '', value = ''] = line.split('=');
      return [name, value];
    }),
);
const [clientId, clientSecret] = Object.values(secrets);
const LOGINS = 130;

const { url: databaseUrl, pool } = useTestDatabase();
const auth0 = new FakeAuth0(clientId, clientSecret);
let redis: Awaited<ReturnType<typeof startTestRedis>>;
const services: SpawnedService[] = [];
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  redis = await startTestRedis();
  await auth0.start();
  env = { DATABASE_URL: databaseUrl, REDIS_URL: redis.url };
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.kill('SIGTERM')));
  await auth0.stop();
  await redis.stop();
});

const odometer = (...args: string[]): Promise<OdometerRun> => runOdometer(args, env);

async function start(
  name: string,
  more: Readonly<Record<string, string>>,
): Promise<SpawnedService> {
  const service = await spawnService(name, { ...env, ODOMETER_INSTANCE: `${name}-test`, ...more });
  services.push(service);
  await service.ready(60_000);
  return service;
}

async function logins(): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ project: string; sum: number }>(
    `select o.slug || '/' || p.slug as project, sum(u.sum)::int as sum
     from usage_hourly u join meters m on m.id = u.meter_id join projects p on p.id = u.project_id
     join organizations o on o.id = p.organization_id
     where m.slug = 'logins' group by 1`,
  );
  return Object.fromEntries(rows.map(({ project, sum }) => [project, sum]));
}

test('the page is what it takes; what was delivered and is pulled counts once, in whatever order', async () => {
  const nowMs = Date.now();
  for (let i = 0; i < LOGINS; i += 1) auth0.write(new Date(nowMs - 3_600_000 + i * 20_000));
  auth0.write(new Date(nowMs - 1_000), { type: 'ssa' });
  const [declarations = ''] = examples('yaml');
  const file = declarations.replaceAll('https://acme.eu.auth0.com', auth0.url);
  const applied = await runOdometer(['apply', '-f', '-'], env, file);
  expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await runOdometer(['apply', '-f', '-'], env, file)).stdout).toContain('unchanged');

  const port = String(await freePort());
  await start('ingest-api', { ODOMETER_INGEST_HOST: '127.0.0.1', ODOMETER_INGEST_PORT: port });
  // As a log stream delivers: the log within its id, a line each.
  const deliver = async (logs: readonly Auth0Log[]) => {
    const body = logs.map((log) => JSON.stringify({ log_id: log.log_id, data: log })).join('\n');
    const response = await fetch(`http://127.0.0.1:${port}/webhooks/auth0`, {
      method: 'POST',
      headers: { Authorization: 'TOKEN' },
      body,
    });
    expect(response.status).toBe(200);
  };
  await eventually(() => deliver(auth0.logs.filter((_, i) => i % 3 === 0)), { deadlineMs: 20_000 });

  // Its start is a bell.
  const worker = await start('stats-worker', secrets);
  await eventually(async () => expect(await logins()).toEqual({ 'acme/website': LOGINS }), {
    deadlineMs: 60_000,
  });
  await deliver(auth0.logs);

  auth0.write(new Date());
  const lines = commands.trim().split('\n');
  expect(lines.length).toBe(3);
  for (const line of lines) {
    const [program, ...args] = line.replace(/ +#.*/, '').split(' ');
    expect(program).toBe('odometer');
    expect(await odometer(...args)).toMatchObject({ exitCode: 0, stderr: '' });
  }
  const list = (await odometer('pull', 'list')).stdout;
  expect(list).toMatch(new RegExp(`auth0-logs +auth0 +10m .* 0 +0 +${auth0.logs.at(-1)?.log_id}`));
  const runs = await odometer('pull', 'runs', 'auth0-logs', '--json');
  expect(runs.json()).toMatchObject([
    { state: 'done' },
    { state: 'done', items: String(LOGINS + 1), ignored: '1', refused: '0' },
  ]);
  await eventually(async () => expect(await logins()).toEqual({ 'acme/website': LOGINS + 1 }));
  // What was delivered beside is a duplicate, and no conflict: the events are the same in all that matters.
  await eventually(async () => {
    const { rows } = await pool.query(
      'select sum(counted)::int as counted, sum(conflicting)::int as conflicting, sum(invalid)::int as invalid from applied_batches',
    );
    expect(rows).toEqual([{ counted: LOGINS + 1, conflicting: 0, invalid: 0 }]);
  });

  // Somebody reads all of it again.
  const from = `${new Date(nowMs - 7_200_000).toISOString().slice(0, 19)}Z`;
  const again = await odometer('pull', 'run', 'auth0-logs', '--from', from, '--json');
  expect(again.json()).toMatchObject({ state: 'done', events: String(LOGINS + 1) });

  auth0.onRequest = ({ path }) =>
    path === '/api/v2/logs'
      ? (response) => response.writeHead(200).end('{"message":"try again later"}')
      : undefined;
  const failed = await odometer('pull', 'run', 'auth0-logs');
  expect(failed).toMatchObject({ exitCode: 1 });
  expect(failed.stdout).toContain('a page is not one: it is no list of items');
  expect((await odometer('pull', 'list')).stdout).toContain('it is no list of items');
  expect(await worker.metric('odometer_pulled_log_failures_total')).toBe(1);
  expect(await worker.metric('odometer_pulled_log_events_total')).toBeGreaterThan(2 * LOGINS);
  expect((await odometer('pull', 'run', 'no-such-log')).exitCode).toBe(1);

  const changed = await runOdometer(
    ['apply', '-f', '-'],
    env,
    file.replace('webhook: auth0  ', 'webhook: other  '),
  );
  expect(changed).toMatchObject({ exitCode: 1 });
  expect(changed.stderr).toContain('there is no webhook other');
  expect(changed.stderr).toContain('webhook cannot be changed from auth0 to other');
  expect(worker.log()).not.toContain(clientSecret);
  await eventually(async () => expect(await odometer('books')).toMatchObject({ exitCode: 0 }));
});
