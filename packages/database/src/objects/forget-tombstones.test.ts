import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { forgetTombstones } from './forget-tombstones.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const never = new AbortController().signal;
const { pool } = useTestDatabase();
beforeAll(async () => {
  await pool.query(
    `insert into buckets (name, bucket, region, declaration) values ('a', 'a', 'r', '{}')`,
  );
});
beforeEach(async () => {
  await pool.query('truncate stored_objects');
  await pool.query('delete from dead_letters');
  await pool.query(
    `insert into stored_objects (bucket_id, key, version, metered_object_type, size_bytes, live, sequencer, created_at, changed_at)
     select id, 'k' || age, v, 'object', 1, live, 'A', $1, $1::timestamptz - age * interval '1 day'
     from buckets, unnest(array[29, 31, 40]) age, unnest(array['', 'v1']) v, unnest(array[false]) live`,
    [new Date(NOW_MS)],
  );
  await pool.query("update stored_objects set live = true where key = 'k40' and version = ''");
});

const forget = () => forgetTombstones(pool, NOW_MS, 30 * DAY_MS, never);
const letter = (failedDaysAgo: number, retriedDaysAgo: number | null = null) =>
  pool.query(
    `insert into dead_letters (queue, job_id, job_name, payload, reason, attempts, items, failed_at, retried_at)
     values ('objects', 'x.1', 'object-batch', '{}', 'no', 1, 1, $1::timestamptz - $2 * interval '1 day',
       $1::timestamptz - $3 * interval '1 day')`,
    [new Date(NOW_MS), failedDaysAgo, retriedDaysAgo],
  );

test('tombstones of objects and versions are forgotten after the days that queues keep a notification', async () => {
  expect(await forget()).toBe(3);
  const { rows } = await pool.query('select key, version, live from stored_objects order by 1, 2');
  expect(rows).toEqual([
    { key: 'k29', version: '', live: false },
    { key: 'k29', version: 'v1', live: false },
    { key: 'k40', version: '', live: true },
  ]);
  expect(await forget()).toBe(0);
});

test('but not while a dead letter could bring an older notification', async () => {
  await letter(5);
  // Up to 30 days before the letter failed.
  expect(await forget()).toBe(1);
});

test('one that was retried days ago holds nothing up, one of today does', async () => {
  await letter(5, 0);
  expect(await forget()).toBe(1);
  await pool.query("update dead_letters set retried_at = retried_at - interval '2 days'");
  expect(await forget()).toBe(2);
});
