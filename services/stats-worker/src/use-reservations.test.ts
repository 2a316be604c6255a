import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { assignPlan } from '@odometer/database/limits/organization-plan';
import { declarePlan } from '@odometer/database/limits/plans';
import { readLimits } from '@odometer/database/limits/read-limits';
import { reserve } from '@odometer/database/limits/reservations';
import { inTransaction } from '@odometer/database/pool';
import { formatQuantity, wholeQuantity } from '@odometer/domain/decimal';
import { planSchema } from '@odometer/domain/limits/plan';
import { event, openAppliers, Producer } from '../test/applier-fixture.ts';

const NOW_MS = Date.parse('2026-11-05T10:00:00.000Z');

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;

beforeEach(async () => {
  system = await openAppliers({}, () => NOW_MS);
  producer = await new Producer(system.pool, 'events').open();
  const limits = [{ meter: 'api_calls', scope: 'project', included: 10, hard: true }];
  const plan = planSchema.parse({ slug: 'pro', currency: 'EUR', limits });
  await declarePlan(system.pool, plan, { actor: 'cli:test', nowMs: NOW_MS });
  await system.pool.query(`insert into organizations (slug) values ('acme'), ('other');
    insert into projects (organization_id, slug) values (1, 'web'), (2, 'web')`);
  await inTransaction(system.pool, (transaction) => assignPlan(transaction, 'acme', 'pro', NOW_MS));
});
afterEach(() => system.close());

/** What acme/web has used and reserved, `used + reserved`. */
async function use(): Promise<string> {
  const subject = { organization: 'acme', project: 'web' };
  const [limit] = (await readLimits(system.pool, subject, NOW_MS)).limits;
  return limit === undefined
    ? 'no limit'
    : `${formatQuantity(limit.used)} + ${formatQuantity(limit.reserved)}`;
}

async function reserveThree(): Promise<string> {
  const id = randomUUID();
  const request = {
    organization: 'acme',
    project: 'web',
    resource: 'api_calls',
    quantity: wholeQuantity(3),
    id,
    expiresInSeconds: 60,
  };
  expect((await reserve(system.pool, request, NOW_MS)).allowed).toBe(true);
  return id;
}

const using = (reservationid: unknown, change = {}) =>
  event({ data: { value: 3 }, attributes: { reservationid }, ...change });

test('usage that carries the id of a reservation takes its place, however often it comes', async () => {
  const [first, second] = [await reserveThree(), await reserveThree()];
  expect(await use()).toBe('0 + 6');
  const batch = producer.events(using(first.toUpperCase()), event());
  await system.events.apply([batch]);
  await system.events.apply([batch, producer.events(...batch.events)]);
  expect(await use()).toBe('4 + 3');
  await system.events.apply([producer.events(using(second), using(second))]);
  expect(await use()).toBe('10 + 0');
});

test('what is not counted uses no reservation up', async () => {
  const id = await reserveThree();
  await system.events.apply([
    producer.events(
      using(id, { data: { value: 'many' } }),
      using(id, { type: 'nothing_counts_this' }),
      using(id, { organization: 'other', subject: 'other/web' }),
    ),
  ]);
  expect(await use()).toBe('0 + 3');
});

test.each(['no uuid', 7, null, { id: 1 }, randomUUID()])(
  'an event with %j for a reservation is counted like any other',
  async (reservationid) => {
    await reserveThree();
    await system.events.apply([producer.events(using(reservationid))]);
    expect(await use()).toBe('3 + 3');
  },
);

test('poison in the same batch keeps no reservation from being used, once', async () => {
  const id = await reserveThree();
  const poison = event({ data: { value: '\u0000' } });
  await system.events.apply([producer.events(poison, using(id), event())]);
  expect(await use()).toBe('4 + 0');
});
