import { expect, test } from '@jest/globals';
import { eventsKeptFrom } from '@odometer/database/maintenance/event-retention';
import { openEpoch } from '@odometer/database/sources';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { MonthPartitions } from '../month-partitions.ts';
import { type MaintenanceParts, maintain } from './maintain.ts';

const { pool } = useTestDatabase();

const NOW_MS = Date.parse('2026-11-22T10:00:00Z');
const lines: object[] = [];
const parts = (changed: Partial<MaintenanceParts> = {}): MaintenanceParts => ({
  pool,
  partitions: new MonthPartitions(),
  eventRetentionMonths: 2,
  log: { info: (fields) => lines.push(fields) },
  ...changed,
});
const never = new AbortController().signal;

test('does every step, and finds nothing to do the second time', async () => {
  const epoch = await openEpoch(pool, { source: 'ingest-0', kind: 'events', instance: 'test' });
  await pool.query("update source_epochs set opened_at = '2020-01-01'");
  await pool.query(
    `insert into applied_batches (epoch, seq, applied_at, received, rejected, accepted, items, counted)
     select $1, seq, now() - interval '2 hours', seq, 0, seq, 1, 1 from generate_series(1, 10) seq`,
    [epoch],
  );
  await pool.query(
    `insert into event_keys select gen_random_uuid(), 1, date '2026-11-22' - days from generate_series(399, 402) days`,
  );
  await pool.query("select create_month_partitions('2026-05-01Z', '2026-05-01Z')");
  await pool.query(
    `insert into events (time, key, source, id, type, subject, time_given, ingested_at, unattributed_to)
     values ('2026-05-03Z', gen_random_uuid(), 's', 'i', 't', 'p', true, now(), 'x/y')`,
  );
  await pool.query(
    `insert into manifests (digest, kind, size_bytes, children, blobs, blob_sizes, seen_on)
     values ('sha256:old', 'image', 1, '{}', '{}', '{}', current_date - 91)`,
  );

  await maintain(parts(), NOW_MS, never);
  expect(lines.pop()).toMatchObject({
    batchesFolded: 10,
    eventKeysForgotten: 2,
    manifestsForgotten: 1,
    failures: 0,
  });
  const { rows } = await pool.query<{ ahead: string | null }>(
    "select to_regclass('usage_hourly_2027_01')::text as ahead",
  );
  expect(rows[0]?.ahead).toBe('usage_hourly_2027_01');
  expect(await eventsKeptFrom(pool)).toBe(Date.parse('2026-09-01T00:00:00Z'));

  await pool.query("update event_retention set moved_at = now() - interval '2 hours'");
  await maintain(parts({ eventRetentionMonths: undefined }), NOW_MS, never);
  expect(lines.pop()).toMatchObject({
    batchesFolded: 0,
    eventKeysForgotten: 0,
    manifestsForgotten: 0,
    eventMonthsEmptied: ['2026-05'],
  });
});

test('corrections are kept for 400 days, measurements for 90; of each target the newest and the last complete one stay', async () => {
  await pool.query(
    `insert into object_corrections (measurement_id, bucket_id, key, version, reason, bytes, objects, corrected_at)
     select 1, 1, days::text, '', 'missed_change', 1, 0, '2026-11-22T10:00Z'::timestamptz - make_interval(days => days)
     from unnest(array[402, 401, 399, 1]) days`,
  );
  await pool.query(
    `insert into measurements (kind, target, purpose, options, state, started_at, finished_at)
     select 'bucket', target, 'asked', options::jsonb, state, at, at
     from (
       values ('a', 'complete', '{}', 200), ('a', 'complete', '{}', 120), ('a', 'refused', '{}', 110),
         ('a', 'complete', '{"dryRun": true}', 100), ('a', 'failed', '{}', 95), ('a', 'failed', '{}', 80),
         ('b', 'complete', '{}', 300), ('b', 'failed', '{}', 200), ('b', 'failed', '{}', 150)
     ) m (target, state, options, days)
     cross join lateral (select '2026-11-22T10:00Z'::timestamptz - make_interval(days => days) as at) t`,
  );
  const { rows } = await pool.query<{ id: string }>(
    "select id from measurements where target = 'b' and state = 'complete'",
  );
  await pool.query('insert into listing_shards (measurement_id, shard) values ($1, 1)', [
    rows[0]?.id,
  ]);
  await maintain(parts(), NOW_MS, never);
  expect(lines.pop()).toMatchObject({ correctionsForgotten: 2, measurementsForgotten: 3 });
  const kept = await pool.query(
    `select target, state, extract(day from '2026-11-22T10:00Z' - started_at)::int as days from measurements order by id`,
  );
  expect(kept.rows.map(({ target, state, days }) => `${target} ${state} ${days}`)).toEqual([
    'a complete 120',
    'a refused 110',
    'a complete 100',
    'a failed 80',
    'b complete 300',
    'b failed 150',
  ]);
  expect((await pool.query('select from listing_shards')).rowCount).toBe(1);
  await maintain(parts(), NOW_MS, never);
  expect(lines.pop()).toMatchObject({ correctionsForgotten: 0, measurementsForgotten: 0 });
});

test('runs of windows of 400 days ago are forgotten with their answers, but for what may be asked for, or is unfinished; the metric knows', async () => {
  await pool.query(
    `insert into posthoc_metrics (name, declaration, first_window, settled_before)
     select name, '{}', '2025-01-01Z', settled::timestamptz
     from (values ('all', '2026-11-01Z'), ('unsettled', '2025-10-10Z'), ('unfinished', '2026-11-01Z'), ('expired', '2026-11-01Z')) m (name, settled)`,
  );
  await pool.query(
    `insert into posthoc_runs (metric, window_start, window_end, revision, state, retry_at, finished_at, as_of)
     select m.name, w.start, w.start + interval '1 day', 1, 'done', null, w.start, w.start
     from posthoc_metrics m, unnest(array['2025-10-09Z', '2025-10-15Z', '2025-10-18Z', '2025-10-20Z']::timestamptz[]) w (start)`,
  );
  await pool.query(
    `insert into posthoc_answers (run_id, row_key, organization, project, dimensions, value, difference)
     select id, gen_random_uuid(), 'acme', 'web', '{}', 1, 1 from posthoc_runs`,
  );
  await pool.query(
    `insert into posthoc_runs (metric, window_start, window_end, revision, state, retry_at)
     values ('unfinished', '2025-10-15Z', '2025-10-16Z', 2, 'failed', now())`,
  );
  // What was shipped so long ago, and is not counted, never will be.
  await pool.query(
    `insert into posthoc_runs (metric, window_start, window_end, revision, state, as_of)
     values ('expired', '2025-10-15Z', '2025-10-16Z', 2, 'shipped', '2025-10-17Z')`,
  );
  await pool.query(
    `insert into posthoc_tests (id, metric, window_start, window_end, asked_at)
     select gen_random_uuid(), 'all', '2026-11-01Z', '2026-11-02Z', '2026-11-22T10:00Z'::timestamptz - make_interval(days => days)
     from unnest(array[1, 4]) days`,
  );
  await maintain(parts(), NOW_MS, never);
  expect(lines.pop()).toMatchObject({
    posthocRunsForgotten: 9,
    posthocTestsForgotten: 1,
    failures: 0,
  });
  const { rows } = await pool.query<{ text: string }>(
    `select concat_ws(' ', metric, to_char(window_start at time zone 'UTC', 'MM-DD'), revision,
       to_char(m.forgotten_before at time zone 'UTC', 'YYYY-MM-DD'), (select count(*) from posthoc_answers where run_id = r.id)) as text
     from posthoc_runs r join posthoc_metrics m on m.name = r.metric order by 1`,
  );
  expect(rows.map(({ text }) => text)).toEqual([
    'all 10-20 1 2025-10-18 1',
    'expired 10-20 1 2025-10-18 1',
    'unfinished 10-15 1 2025-10-15 1',
    'unfinished 10-15 2 2025-10-15 0',
    'unfinished 10-18 1 2025-10-15 1',
    'unfinished 10-20 1 2025-10-15 1',
    'unsettled 10-15 1 2025-10-10 1',
    'unsettled 10-18 1 2025-10-10 1',
    'unsettled 10-20 1 2025-10-10 1',
  ]);
  // A clock that goes back brings nothing back.
  await maintain(parts(), NOW_MS - 86_400_000, never);
  expect(lines.pop()).toMatchObject({ posthocRunsForgotten: 0 });
});

test('a step that fails holds up none of the others, and is told', async () => {
  class Broken extends MonthPartitions {
    override async makeAhead(): Promise<void> {
      throw new Error('no partitions today');
    }
  }
  await expect(maintain(parts({ partitions: new Broken() }), NOW_MS, never)).rejects.toThrow(
    'no partitions today',
  );
  expect(lines.pop()).toMatchObject({ batchesFolded: 0, eventMonthsEmptied: [], failures: 1 });
});

test('begins nothing when it is told to stop', async () => {
  await maintain(parts(), NOW_MS, AbortSignal.abort());
  expect(lines.pop()).toEqual({ event: 'maintained', failures: 0 });
});
