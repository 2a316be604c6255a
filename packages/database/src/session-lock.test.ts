import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { createPool, type Pool } from './pool.ts';
import { SessionLock } from './session-lock.ts';

let database: TestDatabase;
let pool: Pool;
let first: SessionLock;
let second: SessionLock;
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 1 }, () => {});
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
const lock = (url = database.url): SessionLock =>
  new SessionLock({ url, applicationName: 'lock', key: [99, 1] });
beforeEach(() => {
  first = lock();
  second = lock();
});
afterEach(async () => {
  await first.release();
  await second.release();
});

test('one holds it, and keeps it; another gets it when the first releases', async () => {
  expect([await first.hold(), await second.hold()]).toEqual([true, false]);
  expect([await first.hold(), await second.hold()]).toEqual([true, false]);
  expect([first.isHeld, second.isHeld]).toEqual([true, false]);
  await first.release();
  expect([first.isHeld, await second.hold(), await first.hold()]).toEqual([false, true, false]);
});

test('whoever loses the connection is told at once, and takes part again', async () => {
  expect(await first.hold()).toBe(true);
  await pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lock'",
  );
  await eventually(() => !first.isHeld);
  expect(await second.hold()).toBe(true);
  expect(await first.hold()).toBe(false);
});

test('a Postgres that is away is an error, and nobody holds anything', async () => {
  const nowhere = lock('postgres://nobody@127.0.0.1:1/nothing');
  await expect(nowhere.hold()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(nowhere.isHeld).toBe(false);
  await nowhere.release();
});
