import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createPool } from '@odometer/database/pool';
import { type OdometerRun, runOdometer } from '@odometer/testing/run-odometer';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';

// Every run is a process that starts, which takes seconds on a machine that is busy with other tests.
jest.setTimeout(120_000);

const FILE = `
kind: Plan
spec:
  slug: pro
  name: Pro
  currency: EUR
  limits:
    - { meter: logs, scope: organization, included: 1000, hard: true }
    - { meter: logs, scope: project, included: unlimited }
    - { meter: users, scope: organization, included: 5, pricePerUnit: 500 }
---
kind: Organization
spec: { slug: acme, plan: pro, users: 2 }
`;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 1 },
    () => {},
  );
  await pool.query(`insert into organizations (slug) values ('acme'), ('check');
    insert into projects (organization_id, slug) values (1, 'web');
    insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
    values (1, 8, date_trunc('month', now(), 'UTC'), 1, 990, 1)`);
  await pool.end();
  await runOdometer(['apply', '-f', '-'], { DATABASE_URL: database.url }, FILE);
});
afterAll(() => database.drop());

const odometer = (...args: string[]): Promise<OdometerRun> =>
  runOdometer(args, { DATABASE_URL: database.url });

test('plans are listed and shown', async () => {
  expect((await odometer('plans', 'list')).stdout).toMatch(/pro +Pro +1 +\d{4}-.*EUR +3\n/);
  const { stdout } = await odometer('plans', 'show', 'pro');
  expect(stdout).toMatch(/logs +organization +1,000 +hard\n/);
  expect(stdout).toMatch(/logs +project +unlimited\n/);
  expect(stdout).toMatch(/users +organization +5 +500\n/);
  expect((await odometer('plans', 'show', 'pro', '--json')).json()).toMatchObject({
    slug: 'pro',
    limits: [{ included: '1000' }, { included: 'unlimited' }, { included: '5' }],
  });
  const gold = await odometer('plans', 'show', 'gold');
  expect(gold).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no plan gold') });
});

test('limits of a project are shown with their use', async () => {
  const { stdout } = await odometer('limits', 'acme/web');
  expect(stdout).toMatch(/logs +organization +1,000 +990 +0 +10 +hard +\d{4}-\d\d-01 00:00:00Z\n/);
  expect(stdout).toMatch(/logs +project +unlimited +990 +0 +unlimited +/);
  expect((await odometer('limits', 'acme', '--json')).json()).toMatchObject({
    plan: { slug: 'pro', version: 1 },
    limits: [
      { meter: 'logs', remaining: 10 },
      { meter: 'users', used: 2 },
    ],
  });
  expect((await odometer('limits', 'show', 'check')).stdout).toContain('no plan');
  expect((await odometer('limits', 'nobody')).stderr).toContain('no organization nobody');
});

test('a check exits with 0 or 1, and a reservation holds its room until it is released', async () => {
  const yes = await odometer('limits', 'check', 'acme/web', 'logs', '10');
  expect(yes).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('Yes: 10 more of logs'),
  });
  const id = randomUUID();
  const reserved = await odometer('limits', 'reserve', 'acme/web', 'logs', '10', '--id', id);
  expect(reserved.stdout).toContain(`Reservation ${id} is open, until`);
  const no = await odometer('limits', 'check', 'acme/web', 'logs', '--json');
  expect(no.exitCode).toBe(1);
  expect(no.json()).toMatchObject({ allowed: false, used: 990, reserved: 10, remaining: 0 });
  const refused = await odometer('limits', 'reserve', 'acme', 'logs', '1');
  expect(refused).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('No: 1 more') });
  expect((await odometer('limits', 'release', id)).exitCode).toBe(0);
  expect((await odometer('limits', 'check', 'acme/web', 'logs')).exitCode).toBe(0);
  expect((await odometer('limits', 'release', randomUUID())).stderr).toContain('no reservation');
});

test.each([
  [['check', 'acme', 'logs', '1e99'], 'more than 30 digits'],
  [['reserve', 'acme', 'logs', '0'], 'value is 0'],
  [['reserve', 'acme', 'logs', '1', '--expires-in', '90000'], 'at most 86400'],
  [['release', 'x'], 'should be a UUID'],
  [['a/b/c'], 'ORGANIZATION/PROJECT'],
])('limits %j is wrong usage', async (args, message) => {
  const run = await odometer('limits', ...args);
  expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
});
