import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { verifyMonth } from '@odometer/database/periods/verify';
import type { Transaction } from '@odometer/database/pool';
import { event, openAppliers, Producer } from '../../test/applier-fixture.ts';
import { closeDueMonths } from './close-due-months.ts';
import { UsageWriter } from './usage-writer.ts';

const GRACE_MS = 72 * 3_600_000;
const signal = new AbortController().signal;
let system: Awaited<ReturnType<typeof openAppliers>>;
/** Postgres' clock. */
let nowMs = 0;

beforeEach(async () => {
  nowMs = Date.parse('2026-09-15T12:00:00Z');
  system = await openAppliers({}, () => nowMs);
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', '2026-08-01') returning id)
     insert into projects (organization_id, slug, created_at) select id, 'web', '2026-08-01' from o`,
  );
});
afterEach(() => system.close());

const closeAt = (at: string) =>
  closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: GRACE_MS }, Date.parse(at), signal);
const rows = async (sql: string) => (await system.pool.query(sql)).rows;

test('late usage is not billed in a month that is closed already, however far Postgres’ clock is set back', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await system.events.apply([producer.events(event({ time: '2026-08-15T10:00:00Z' }))]);
  await closeAt('2026-09-15T12:00:00Z');
  // The operator does not wait for the grace.
  nowMs = Date.parse('2026-10-01T00:00:01Z');
  await closeAt('2026-10-01T00:00:00Z');
  await system.pool.query(
    "update periods set forced_by = 'ops', forced_reason = 'now' where state = 'draft'",
  );
  await closeAt('2026-10-01T00:00:01Z');
  nowMs = Date.parse('2026-09-30T23:59:50Z');
  const late = producer.events(event({ time: '2026-08-16T10:00:00Z', data: { value: 7 } }));
  await expect(system.events.apply([late])).rejects.toThrow('clock of Postgres is behind');
  expect(await rows('select count(*)::int as letters from dead_letters')).toEqual([{ letters: 0 }]);

  nowMs = Date.parse('2026-10-01T00:00:01Z');
  await system.events.apply([late]);
  expect(
    await rows('select sum::text, hour::text, billed_month::text from usage_adjustments'),
  ).toEqual([
    {
      sum: '7',
      hour: '2026-08-16 10:00:00+00',
      billed_month: '2026-10-01 00:00:00+00',
    },
  ]);
});

test('usage of a month before the first, closed in the middle of another close, is not in the lifetime of that one', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  const apply = (time: string, value: number) =>
    system.events.apply([producer.events(event({ time, data: { value } }))]);
  await apply('2026-08-15T10:00:00Z', 5);
  // August begins to close, and is stopped right after.
  await closeAt('2026-09-01T00:00:00Z');
  await system.pool.query(
    "update periods set state = 'closing', closing_at = '2026-09-04T00:00:00Z', closing_act = nextval('period_acts') where state = 'draft'",
  );
  await apply('2026-07-15T10:00:00Z', 3);
  await closeAt('2026-09-15T12:00:00Z');
  expect(
    await rows(
      'select month::text, lifetime::text, (select state from periods f where f.month = t.month) as state from usage_monthly t order by 1',
    ),
  ).toEqual([
    { month: '2026-07-01 00:00:00+00', lifetime: '3', state: 'final' },
    { month: '2026-08-01 00:00:00+00', lifetime: '5', state: 'final' },
  ]);
  expect((await verifyMonth(system.pool, Date.parse('2026-08-01'))).differences).toEqual([]);
});

test('what was marked in a transaction that came to nothing is marked again', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await system.events.apply([producer.events(event({ time: '2026-08-15T10:00:00Z' }))]);
  await system.pool.query('delete from changed_days');
  const writer = new UsageWriter();
  const write = async (end: 'commit' | 'rollback') => {
    const client = await system.pool.connect();
    try {
      await client.query('begin');
      const transaction = client as unknown as Transaction;
      const periods = await writer.begin(transaction, [Date.parse('2026-08-01T00:00:00Z')]);
      const remember = await periods.add([
        {
          projectId: '1',
          organizationId: '1',
          meterId: 8,
          hour: '2026-08-16T10:00:00.000Z',
          sum: '1',
          count: 1,
          min: '1',
          max: '1',
          last: '1',
          lastAt: '2026-08-16T10:00:00.000Z',
        },
      ]);
      await client.query(end);
      if (end === 'commit') remember();
    } finally {
      client.release();
    }
    return rows("select day::text from changed_days where day = '2026-08-16'");
  };
  expect(await write('rollback')).toEqual([]);
  expect(writer.written).toEqual({ open: 0, adjustments: 0 });
  expect(await write('commit')).toEqual([{ day: '2026-08-16' }]);
  expect(writer.written).toEqual({ open: 1, adjustments: 0 });
  // Remembered now: the mark is not asked for again in its round.
  await system.pool.query('delete from changed_days');
  expect(await write('commit')).toEqual([]);
});
