import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { beginMeasurement } from '@odometer/database/measuring/measurements';
import { createPool, type Pool } from '@odometer/database/pool';
import { eventually } from '@odometer/testing/eventually';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { keepHold } from './keep-hold.ts';

let database: TestDatabase;
let pool: Pool;
let held: { readonly id: string; readonly holder: string };

beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 2 },
    () => undefined,
  );
  const holder = crypto.randomUUID();
  const request = { kind: 'registry', target: 'x', purpose: 'asked', options: {} } as const;
  const measurement = await beginMeasurement(pool, request, holder);
  held = { id: measurement?.id ?? '', holder };
});

afterEach(async () => {
  await pool.end();
  await database.drop();
});

const never = new AbortController().signal;

test('a step may take longer than a hold lasts', async () => {
  // As if most of the minute were over.
  await pool.query(`update measurements set held_until = clock_timestamp() + interval '3 seconds'`);
  await keepHold(pool, held, never, () =>
    eventually(
      async () => {
        const { rows } = await pool.query(
          `select from measurements where held_until > clock_timestamp() + interval '30 seconds'`,
        );
        return rows.length === 1;
      },
      { deadlineMs: 20_000, intervalMs: 200 },
    ),
  );
}, 30_000);

test('who lost it is told', async () => {
  await pool.query('update measurements set holder = gen_random_uuid()');
  const work = keepHold(
    pool,
    held,
    never,
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  );
  await expect(work).rejects.toMatchObject({ code: 'measurement_taken_over' });
}, 30_000);
