import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { createPool, type Pool } from '../pool.ts';
import { findManifests, forgetManifests, keepManifests } from './manifests.ts';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 4 }, () => {});
});
beforeEach(async () => {
  await pool.query('truncate manifests');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const never = new AbortController().signal;
const digest = (name: string) => `sha256:${name}`;

/** Manifests that were last seen so many days ago. */
async function seen(ages: Readonly<Record<string, number>>): Promise<void> {
  await keepManifests(
    pool,
    Object.keys(ages).map((name) => ({
      digest: digest(name),
      kind: 'image',
      sizeBytes: 1,
      children: [],
      blobs: [],
    })),
  );
  await pool.query(
    `update manifests set seen_on = current_date - days from unnest($1::text[], $2::int[]) as age (name, days)
     where digest = 'sha256:' || name`,
    [Object.keys(ages), Object.values(ages)],
  );
}

async function ages(): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ name: string; days: number }>(
    'select substr(digest, 8) as name, current_date - seen_on as days from manifests order by 1',
  );
  return Object.fromEntries(rows.map(({ name, days }) => [name, days]));
}

test('what is found is marked as seen today, once a week', async () => {
  await seen({ today: 0, week: 7, older: 8, other: 80 });
  const found = await findManifests(pool, ['today', 'week', 'older', 'unknown'].map(digest));
  expect(found.map((each) => each.digest).sort()).toEqual(['older', 'today', 'week'].map(digest));
  expect(await ages()).toEqual({ today: 0, week: 7, older: 0, other: 80 });
});

test('what no registry has had for 90 days is forgotten, all of it', async () => {
  const many = Array.from({ length: 2_500 }, (_, i) => [`gone${i}`, 91] as const);
  await seen({ ...Object.fromEntries(many), today: 0, kept: 90 });
  expect(await forgetManifests(pool, never)).toBe(2_500);
  expect(await ages()).toEqual({ today: 0, kept: 90 });
  expect(await forgetManifests(pool, never)).toBe(0);
});

test('what is being seen again is not forgotten, and not waited for', async () => {
  await seen({ back: 91, gone: 91 });
  const reader = await pool.connect();
  try {
    await reader.query('begin');
    await findManifests(reader, [digest('back')]);
    expect(await forgetManifests(pool, never)).toBe(1);
    await reader.query('commit');
  } finally {
    reader.release();
  }
  expect(await ages()).toEqual({ back: 0 });
});

test('nothing is forgotten once time is up', async () => {
  await seen({ gone: 91 });
  expect(await forgetManifests(pool, AbortSignal.abort())).toBe(0);
});
