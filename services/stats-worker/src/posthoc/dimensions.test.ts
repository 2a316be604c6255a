import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { MeterQuery } from '@odometer/database/query/meter-query';
import { findQueriedMeter } from '@odometer/database/query/queried-meter';
import { queryMeter } from '@odometer/database/query/query-meter';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';

/** What a metric's rows are told apart by is what its usage can be asked for by. */

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
});
afterEach(() => posthoc.close());

const at = (time: string) => `2026-08-15T${time}:00Z`;
const sql = `select split_part(split_part(request, ' ', 2), '/', 4) as project, sent_bytes as size,
    case when sent_bytes = '0' then null else elb_status_code end as status, count(*) as value
  from logs where time::timestamp >= :start and time::timestamp < :end group by 1, 2, 3`;
const write = (sizes: readonly number[]) =>
  posthoc.write(
    'alb/2026/08/15/a.log',
    sizes.map((size) => albLine('10:00:00', 'web', size)),
  );

async function usageBy(name: string): Promise<Readonly<Record<string, string>>> {
  const meter = await findQueriedMeter(posthoc.pool, 'api_calls');
  if (meter === undefined) throw new Error('no meter');
  const query: MeterQuery = {
    meter,
    organization: null,
    fromMs: null,
    toMs: null,
    window: null,
    subjects: null,
    organizations: null,
    groupBy: [{ by: 'dimension', name }],
    filters: [],
  };
  const rows = await queryMeter(posthoc.pool, query);
  return Object.fromEntries(rows.map(({ groupBy, value }) => [String(groupBy[name]), value]));
}

const groupBy = async () => (await findQueriedMeter(posthoc.pool, 'api_calls'))?.groupBy;

test('usage is that of the last answer by each of its dimensions, null among them', async () => {
  await posthoc.declare(at('10:20'), {
    sql,
    columns: { dimensions: ['size', 'status'] },
    maxFallPercent: 100,
  });
  expect(await groupBy()).toEqual({ size: '$.size', status: '$.status' });
  write([1, 1, 1, 2, 0]);
  await posthoc.ring(at('12:00'));
  expect(await usageBy('size')).toEqual({ 0: '1', 1: '3', 2: '1' });
  expect(await usageBy('status')).toEqual({ 200: '4', null: '1' });
  write([1, 2, 2, 0]);
  await posthoc.ring(at('17:00'));
  expect(await usageBy('size')).toEqual({ 0: '1', 1: '1', 2: '2' });
});

test('a metric that is declared anew adds its dimensions, and keeps those that events have', async () => {
  const declared = { sql, columns: { dimensions: ['size', 'status'] } };
  await posthoc.declare(at('10:20'), declared);
  const version = async () =>
    (await posthoc.pool.query('select version from meter_catalogue')).rows[0]?.version;
  const before = await version();
  await posthoc.declare(at('10:20'), declared);
  expect(await version()).toBe(before);
  await posthoc.declare(at('10:20'), { sql, columns: { dimensions: ['size', 'route'] } });
  expect(await groupBy()).toEqual({ size: '$.size', status: '$.status', route: '$.route' });
  expect(await version()).not.toBe(before);
});
