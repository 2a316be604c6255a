import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { advanceSettlement } from '@odometer/database/objects/settlement';
import {
  beginClosing,
  draftEndedMonths,
  listDrafts,
  unfinishedMonths,
} from '@odometer/database/periods/due-closes';
import { missingSnapshots } from '@odometer/database/periods/snapshots';
import { inTransaction } from '@odometer/database/pool';
import { monthStart } from '@odometer/domain/period';
import { event, openAppliers, Producer } from '../../test/applier-fixture.ts';
import { doAllDue } from './do-all-due.ts';
import { takeSnapshot } from './take-snapshots.ts';

const DAY_MS = 86_400_000;
const GRACE_MS = 72 * 3_600_000;
const AUGUST = Date.parse('2026-08-01T00:00:00Z');
const signal = new AbortController().signal;
/** Postgres' clock. */
let nowMs = 0;
let system: Awaited<ReturnType<typeof openAppliers>>;

beforeEach(async () => {
  nowMs = Date.parse('2026-08-20T12:34:56Z');
  system = await openAppliers({}, () => nowMs);
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', '2026-08-01') returning id)
     insert into projects (organization_id, slug, created_at) select id, 'web', '2026-08-01' from o;
     update storage_settlement set settled_through = '2026-08-20T10:00Z'`,
  );
  const producer = await new Producer(system.pool, 'events').open();
  await system.events.apply([producer.events(event({ time: '2026-08-15T10:00:00Z' }))]);
});
afterEach(() => system.close());

const due = (atMs: number) =>
  doAllDue(
    {
      ...system.parts,
      usageQueues: [],
      graceMs: GRACE_MS,
      log: { info: () => {}, error: () => {} },
    },
    atMs,
    signal,
  );
const one = async (sql: string) => (await system.pool.query(sql)).rows[0];
const state = () =>
  one(
    `select (select settled_through from storage_settlement) as settled, (select max(day)::text from snapshots) as day,
       (select count(*)::int from periods) as periods, (select count(*)::int from drafted_months) as drafted`,
  );

/** Whoever is given a wrong time: Postgres holds against it by itself. */
test.each([3, 13, 40])('what a caller %i days ahead wants has not ended', async (days) => {
  const aheadMs = nowMs + days * DAY_MS;
  await due(aheadMs);
  expect(await state()).toEqual({
    settled: new Date('2026-08-20T12:00:00Z'),
    day: '2026-08-19',
    periods: 0,
    drafted: 0,
  });
  const ahead = new Date(aheadMs).toISOString();
  expect(await advanceSettlement(system.pool, aheadMs)).toBe(Date.parse('2026-08-20T12:00Z'));
  await takeSnapshot(system.pool, '2026-08-20', aheadMs, signal);
  await draftEndedMonths(system.pool, [AUGUST], ahead);
  expect(await missingSnapshots(system.pool, ahead.slice(0, 10))).toEqual([]);
  expect(await state()).toMatchObject({ day: '2026-08-19', periods: 0, drafted: 0 });
});

test('a month that was drafted too early, forced or not, is not flipped before it ends, and closes after it', async () => {
  await system.pool.query(
    `insert into periods (organization_id, month, state, drafted_at, forced_by, forced_reason)
     values (1, '2026-08-01Z', 'draft', now(), 'ops', 'by a clock that was ahead')`,
  );
  const aheadMs = nowMs + 40 * DAY_MS;
  const ahead = new Date(aheadMs).toISOString();
  expect(await unfinishedMonths(system.pool, ahead)).toEqual([]);
  expect(await listDrafts(system.pool, AUGUST, ahead, GRACE_MS)).toMatchObject([{ isDue: false }]);
  const begin = () =>
    inTransaction(system.pool, (transaction) => beginClosing(transaction, AUGUST, ['1'], ahead));
  expect(await begin()).toBe(0);
  nowMs = Date.parse('2026-09-01T00:00:00Z');
  await due(nowMs);
  expect(await one('select state from periods')).toEqual({ state: 'final' });
});

test('what was settled ahead before is settled no further until its time has come, and comes to what it should', async () => {
  await system.pool.query(
    `update storage_settlement set settled_through = '2026-09-02T00:00Z';
     insert into storage_accounts (project_id, organization_id, settled_through, settled_bytes)
     values (1, 1, '2026-08-20T10:00Z', 1000)`,
  );
  await due(nowMs);
  expect(
    await one('select max(hour) as hour, sum(sum)::int from usage_hourly where meter_id = 23'),
  ).toEqual({
    hour: new Date('2026-08-20T11:00Z'),
    sum: 2_000,
  });
  nowMs = Date.parse('2026-08-20T15:10:00Z');
  await due(nowMs);
  expect(await one('select sum(sum)::int from usage_hourly where meter_id = 23')).toEqual({
    sum: 5_000,
  });
});

test('late usage is billed in the month that goes on for Postgres', async () => {
  nowMs = Date.parse('2026-09-05T00:00:00Z');
  await due(nowMs);
  const producer = await new Producer(system.pool, 'mqtt').open();
  await system.counts.apply([
    producer.counts([['acme', 'web', 'd1', 3, 30, 3, 0, 0, 0]], null, AUGUST),
  ]);
  expect(await one('select distinct billed_month as month from usage_adjustments')).toEqual({
    month: new Date(monthStart(nowMs)),
  });
});

test('messages of a counter whose clock is ahead count in the hour that goes on, with those that are there, and their devices', async () => {
  const producer = await new Producer(system.pool, 'mqtt').open();
  const counts = (hourMs: number) => ({
    hourMs,
    counts: [
      ['acme', 'web', 'd1', 3, 30, 3, 0, 0, 0],
      ['acme', 'nobody', 'd1', 1, 10, 1, 0, 0, 0],
    ] as const,
  });
  const batch = producer.counts([]);
  const hour = Date.parse('2026-08-20T12:00:00Z');
  await system.worker().counts.apply([
    {
      ...batch,
      messages: 12,
      frozenAtMs: hour + 13 * DAY_MS,
      hours: [hour - 3_600_000, hour, hour + 13 * DAY_MS].map(counts),
    },
  ]);
  const { rows } = await system.pool.query(
    'select hour, sum(sum)::int from usage_hourly where meter_id = 1 group by 1 order by 1',
  );
  expect(rows).toEqual([
    { hour: new Date(hour - 3_600_000), sum: 4 },
    { hour: new Date(hour), sum: 8 },
  ]);
  expect(
    await one("select bool_and(last_seen_at <= '2026-08-20T12:34:56Z') as seen from devices"),
  ).toEqual({ seen: true });
});
