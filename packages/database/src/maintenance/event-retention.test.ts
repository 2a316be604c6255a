import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { createMonthPartitions } from '../partitions.ts';
import { inTransaction } from '../pool.ts';
import { emptyForgottenMonths, eventsKeptFrom, moveEventRetention } from './event-retention.ts';

const { pool } = useTestDatabase();
let organizations: readonly string[];
beforeAll(async () => {
  await createMonthPartitions(pool, '2026-01-01T00:00:00Z', '2026-11-01T00:00:00Z');
  await pool.query('alter table periods disable trigger user');
});
beforeEach(async () => {
  await pool.query(
    // Final months may not be truncated; these are made up.
    `begin; set local session_replication_role = replica;
     truncate organizations, projects, devices, periods, events, usage_monthly restart identity cascade; commit`,
  );
  await pool.query("update event_retention set kept_from = '-infinity', moved_at = now()");
  const { rows } = await pool.query<{ id: string }>(
    "insert into organizations (slug, created_at) values ('acme', '2026-01-01'), ('zeta', '2026-01-01') returning id",
  );
  organizations = rows.map(({ id }) => id);
  await project('acme-1', 0, '2026-01-05');
  await project('zeta-1', 1, '2026-03-05');
  await pool.query(
    `insert into events (time, key, source, id, type, subject, time_given, ingested_at, unattributed_to)
     select month + interval '5 days', gen_random_uuid(), 's', 'i', 't', 'p', true, now(), 'x/y'
     from generate_series('2026-01-01'::timestamptz, '2026-11-01', '1 month') month`,
  );
});

const NOW_MS = Date.parse('2026-11-22T10:00:00Z');
const project = (slug: string, organization: number, createdAt: string) =>
  pool.query('insert into projects (slug, organization_id, created_at) values ($1, $2, $3)', [
    slug,
    organizations[organization],
    createdAt,
  ]);

async function finalize(organization: number, ...months: number[]): Promise<void> {
  for (const month of months) {
    await pool.query(
      `insert into periods (organization_id, month, state, drafted_at, closing_at, final_at, closing_act, final_act, manifest)
       values ($1, make_timestamptz(2026, $2, 1, 0, 0, 0, 'UTC'), 'final', now(), now(), now(),
         nextval('period_acts'), nextval('period_acts'), '{}')`,
      [organizations[organization], month],
    );
  }
}

const month = (keptFromMs: number | null) =>
  keptFromMs === null ? null : new Date(keptFromMs).toISOString().slice(0, 7);
const move = async (months: number) => month(await moveEventRetention(pool, months, NOW_MS));
const empty = async (noticeMs?: number) =>
  (await emptyForgottenMonths(pool, new AbortController().signal, noticeMs)).map(month);

async function monthsWithEvents(): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from events');
  return rows[0]?.n ?? 0;
}

test('goes no further than the months that are final for everybody who was there', async () => {
  expect(await move(1)).toBeNull();
  expect(await eventsKeptFrom(pool)).toBeNull();
  await finalize(0, 1, 2, 3, 4, 5);
  // Zeta's first project came in March.
  expect(await move(1)).toBe('2026-03');
  await finalize(1, 3, 4, 5, 6, 7);
  expect(await move(1)).toBe('2026-06');
  expect(month(await eventsKeptFrom(pool))).toBe('2026-06');
});

test('keeps the months that are to be kept, and is never moved back', async () => {
  await finalize(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  await finalize(1, 3, 4, 5, 6, 7, 8, 9, 10);
  expect(await move(3)).toBe('2026-08');
  expect(await move(12)).toBe('2026-08');
  expect(await move(1)).toBe('2026-10');
});

test('waits for usage of an organization that has no project in the month any more, and for a count back', async () => {
  await finalize(0, 1, 2);
  await pool.query(
    `insert into usage_monthly (project_id, month, meter_id, organization_id, sum, count)
     values (99, '2026-02-01Z', 1, $1, 1, 1)`,
    [organizations[1]],
  );
  expect(await move(1)).toBe('2026-02');
  await finalize(1, 2);
  await pool.query("update meters set counted_back_at = null where slug = 'logs'");
  expect(await move(1)).toBe('2026-02');
  await pool.query("update meters set counted_back_at = now() where slug = 'logs'");
  expect(await move(1)).toBe('2026-03');
});

test('empties nothing until queries have had their hour, and a late event’s month again', async () => {
  await finalize(0, 1, 2);
  await move(1);
  expect(await empty()).toEqual([]);
  expect(await monthsWithEvents()).toBe(11);
  await pool.query("update event_retention set moved_at = now() - interval '2 hours'");
  expect(await empty()).toEqual(['2026-01', '2026-02']);
  expect(await empty()).toEqual([]);
  expect(await monthsWithEvents()).toBe(9);
  await pool.query(
    `insert into events (time, key, source, id, type, subject, time_given, ingested_at, unattributed_to)
     values ('2026-01-03', gen_random_uuid(), 's', 'i', 't', 'p', true, now(), 'x/y')`,
  );
  expect(await empty()).toEqual(['2026-01']);
});

test('gives up on a month that somebody reads, and does not keep others waiting behind it', async () => {
  await finalize(0, 1, 2);
  await move(1);
  await inTransaction(pool, async (transaction) => {
    await transaction.query("select from events where time < '2026-02-01'");
    await expect(empty(0)).rejects.toMatchObject({ code: '55P03' });
  });
  expect(await empty(0)).toEqual(['2026-01', '2026-02']);
});
