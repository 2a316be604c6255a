import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { addMeter } from '@odometer/database/meters/administer-meters';
import { verifyMonth } from '@odometer/database/periods/verify';
import { meterDeclarationSchema } from '@odometer/domain/meter-declaration';
import {
  event,
  hourlySums,
  monthlySums,
  openAppliers,
  outcomes,
  Producer,
} from '../test/applier-fixture.ts';
import { countBack } from './count-back/count-back.ts';
import { closeDueMonths } from './periods/close-due-months.ts';
import { takeSnapshots } from './periods/take-snapshots.ts';
import { UsageWriter } from './periods/usage-writer.ts';

const AUGUST = Date.parse('2026-08-01T00:00:00Z');
const never = new AbortController().signal;

let nowMs: number;
let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;
beforeEach(async () => {
  nowMs = Date.parse('2026-08-15T12:00:00Z');
  system = await openAppliers({}, () => nowMs);
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', '2026-08-01') returning id)
     insert into projects (organization_id, slug, created_at) select id, 'web', '2026-08-01' from o`,
  );
  producer = await new Producer(system.pool, 'events').open();
});
afterEach(() => system.close());

const apply = (...values: readonly unknown[]) =>
  system.events.apply([
    producer.events(
      ...values.map((value) => event({ time: '2026-08-10T10:00:00Z', data: { value } })),
    ),
  ]);

async function closeAugust() {
  nowMs = Date.parse('2026-09-01T00:00:00Z');
  await takeSnapshots(system.pool, nowMs, never);
  await closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: 0 }, nowMs, never);
  const { organizations, differences } = await verifyMonth(system.pool, AUGUST);
  // Without a final month there would be nothing to verify.
  expect(organizations).toBe(1);
  return differences;
}

test('a client lowers no sum: what it sends below zero is invalid, says why, and its month verifies', async () => {
  await apply(5, -1_000_000, '-0.5', 2);
  expect(await outcomes(system.pool)).toEqual({ items: 4, counted: 2, invalid: 2 });
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '7' });
  const { rows } = await system.pool.query(
    'select validation_error as error, count(*)::int as n from events group by 1 order by 1',
  );
  expect(rows).toEqual([
    { error: 'value is negative', n: 2 },
    { error: null, n: 2 },
  ]);
  expect(await closeAugust()).toEqual([]);
  // What comes after the close is an adjustment, and no other rule.
  await apply(-3, 1);
  const late = await system.pool.query('select sum::text from usage_adjustments');
  expect(late.rows).toEqual([{ sum: '1' }]);
  expect((await verifyMonth(system.pool, AUGUST)).differences).toEqual([]);
});

test('what a version before has counted below zero stays counted, and its month verifies, also by a meter that comes later', async () => {
  await system.events.apply([
    producer.events(
      ...[10, -4, -3].map((seconds) =>
        event({ type: 'gpu', time: '2026-08-10T10:00:00Z', data: { seconds } }),
      ),
    ),
  ]);
  // As it was stored: nobody knew of post-hoc metrics.
  await system.pool.query(`update events set posthoc = null where data @> '{"seconds": -4}'`);
  await addMeter(
    system.pool,
    meterDeclarationSchema.parse({
      slug: 'gpu_seconds',
      eventType: 'gpu',
      aggregation: 'sum',
      valueProperty: '$.seconds',
    }),
    'test',
  );
  const parts = { pool: system.pool, usage: new UsageWriter(), enqueue: async () => {} };
  await countBack(parts, { meter: 'gpu_seconds', part: 0 }, never);
  expect(await monthlySums(system.pool)).toEqual({ 'acme/web gpu_seconds': '6' });
  expect(await closeAugust()).toEqual([]);
  // It is the events that were compared: one more is told.
  await system.pool.query(`update events set posthoc = null where data @> '{"seconds": -3}'`);
  expect((await verifyMonth(system.pool, AUGUST)).differences).toMatchObject([
    { compared: 'events', meter: 'gpu_seconds', stored: expect.stringMatching(/6$/), found: '3' },
  ]);
});

test('a level may be below zero', async () => {
  await addMeter(
    system.pool,
    meterDeclarationSchema.parse({
      slug: 'degrees',
      eventType: 'temperature',
      aggregation: 'min',
      valueProperty: '$.value',
    }),
    'test',
  );
  await system.events.apply([
    producer.events(
      event({ type: 'temperature', time: '2026-08-10T10:00:00Z', data: { value: -5 } }),
    ),
  ]);
  const { rows } = await system.pool.query('select min::text from usage_hourly');
  expect(rows).toEqual([{ min: '-5' }]);
  expect(await closeAugust()).toEqual([]);
});
