import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { freePort } from '@odometer/local-stack/tcp-port';
import { runOdometer } from '@odometer/testing/run-odometer';
import { KeptService } from '../harness/kept-service.ts';
import { System } from '../harness/system.ts';

// A whole system starts, on a machine that is busy with other tests.
jest.setTimeout(240_000);

let system: System;
let statsApi: KeptService;
let statsUrl: string;
beforeAll(async () => {
  const port = await freePort();
  statsUrl = `http://127.0.0.1:${port}`;
  system = await System.start();
  statsApi = new KeptService(
    'stats-api',
    'stats-api-0',
    {
      DATABASE_URL: system.postgres.url,
      REDIS_URL: system.redis.url,
      ODOMETER_STATS_HOST: '127.0.0.1',
      ODOMETER_STATS_PORT: String(port),
    },
    () => {},
  );
  await statsApi.start();
  await statsApi.process.ready(100_000);
});
afterAll(async () => {
  await statsApi.stop();
  await system.stop();
});

function smoke(
  env: Readonly<Record<string, string>>,
  ...options: string[]
): ReturnType<typeof runOdometer> {
  return runOdometer(
    [
      'smoke',
      `--ingest-url=${system.ingestUrls[0]}`,
      `--stats-url=${statsUrl}`,
      '--timeout=60',
      ...options,
    ],
    { DATABASE_URL: system.postgres.url, MQTT_URL: system.broker.url, ...env },
  );
}

async function keysInForce(): Promise<readonly string[]> {
  const { rows } = await system.db.query<{ name: string }>(
    'select name from api_keys where revoked_at is null',
  );
  return rows.map(({ name }) => name);
}

test('an event and a message go the whole way, with a key that is revoked afterwards', async () => {
  const run = await smoke({}, '--json');
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(run.json()).toEqual({ event: 'counted', message: 'counted' });
  expect(await keysInForce()).toEqual(['crash test']);
  // Again: what was counted before is no proof.
  expect((await smoke({}, '--json')).json()).toEqual({ event: 'counted', message: 'counted' });
  const { rows } = await system.db.query(
    "select lifetime_api_calls, lifetime_mqtt_inbound from project_stats s join projects p on p.id = s.project_id where p.slug = 'smoke'",
  );
  expect(rows).toEqual([{ lifetime_api_calls: '2', lifetime_mqtt_inbound: '2' }]);
});

test('without a broker only the event is tried, and said so', async () => {
  const run = await smoke({ MQTT_URL: '' });
  expect(run.stdout).toBe('event:   counted\nmessage: not tried: MQTT_URL is not set\n');
});

test('a key that may not read ends it at once, with what the server said', async () => {
  const run = await smoke({ ODOMETER_API_KEY: system.apiKey });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toMatch(
    /^odometer: the test ended before totals could be read: .* answered 403: .*\n$/,
  );
});

test('a topic that no counter is subscribed to is a sentence at the deadline', async () => {
  const run = await smoke({}, '--topic-template=elsewhere/{project}/{device}', '--timeout=8');
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toBe(
    'odometer: it could not be seen within 8 s that the message was acknowledged: nobody is subscribed to elsewhere/smoke/smoke\n',
  );
  expect(await keysInForce()).toEqual(['crash test']);
});

test('an event that nobody counts is a sentence at the deadline', async () => {
  const worker = system.workers[0];
  await worker?.stop();
  const run = await smoke({ MQTT_URL: '' }, '--timeout=8');
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain('the event was taken, but the total of odometer/smoke is still');
  await worker?.start();
});

test('an address that is missing is wrong usage', async () => {
  const run = await runOdometer(['smoke'], { DATABASE_URL: system.postgres.url });
  expect(run).toMatchObject({ exitCode: 2 });
  expect(run.stderr).toContain('give --ingest-url and --stats-url, or set ODOMETER_URL');
});
