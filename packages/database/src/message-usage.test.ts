import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { addMessageUsage, type MessageUsage } from './message-usage.ts';
import { createPool, inTransaction, type Pool, type Transaction } from './pool.ts';

const OCTOBERS_LAST = '2026-10-31T23:00:00.000Z';
const NOVEMBERS_FIRST = '2026-11-01T00:00:00.000Z';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 4 }, () => {});
  await pool.query(`select create_month_partitions('2026-10-01', '2026-11-30')`);
});
beforeEach(async () => {
  await pool.query('truncate usage_hourly, usage_monthly');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

function usage(projectId: number, hour: string, inbound: number, outbound = 0): MessageUsage {
  return {
    projectId: String(projectId),
    organizationId: '1',
    hour,
    inboundMessages: inbound,
    inboundBytes: inbound * 100,
    inboundUnits: inbound * 2,
    outboundMessages: outbound,
    outboundBytes: outbound * 100,
    outboundUnits: outbound * 2,
  };
}

const add = (rows: readonly MessageUsage[]) =>
  inTransaction(pool, (transaction) => addMessageUsage(transaction, rows));

/** `project meter period: sum of count`, sorted. */
async function stored(table: 'usage_hourly' | 'usage_monthly'): Promise<readonly string[]> {
  const period = table === 'usage_hourly' ? 'hour' : 'month';
  const { rows } = await pool.query<{ text: string }>(
    `select project_id || ' ' || meter_id || ' ' || to_char(${period} at time zone 'UTC', 'MM-DD HH24') || ': '
       || sum || ' of ' || count as text
     from ${table} order by project_id, meter_id, ${period}`,
  );
  return rows.map(({ text }) => text);
}

test('rows that exist are added to, others are made, in hours and in months', async () => {
  await add([usage(1, OCTOBERS_LAST, 3)]);
  await add([usage(1, OCTOBERS_LAST, 4, 1), usage(2, OCTOBERS_LAST, 5)]);
  const expected = [
    '1 1 10-31 23: 7 of 7',
    '1 2 10-31 23: 700 of 7',
    '1 3 10-31 23: 14 of 7',
    '1 4 10-31 23: 1 of 1',
    '1 5 10-31 23: 100 of 1',
    '1 6 10-31 23: 2 of 1',
    '2 1 10-31 23: 5 of 5',
    '2 2 10-31 23: 500 of 5',
    '2 3 10-31 23: 10 of 5',
  ];
  expect(await stored('usage_hourly')).toEqual(expected);
  expect(await stored('usage_monthly')).toEqual(
    expected.map((text) => text.replace('10-31 23', '10-01 00')),
  );
});

test('two hours of one month are one row of it, and each month has its own', async () => {
  for (let i = 0; i < 2; i += 1) {
    await add([
      usage(1, OCTOBERS_LAST, 1),
      usage(1, NOVEMBERS_FIRST, 2),
      usage(1, '2026-11-01T01:00:00.000Z', 4),
    ]);
  }
  expect((await stored('usage_hourly')).filter((text) => text.startsWith('1 1'))).toEqual([
    '1 1 10-31 23: 2 of 2',
    '1 1 11-01 00: 4 of 4',
    '1 1 11-01 01: 8 of 8',
  ]);
  expect((await stored('usage_monthly')).filter((text) => text.startsWith('1 1'))).toEqual([
    '1 1 10-01 00: 2 of 2',
    '1 1 11-01 00: 12 of 12',
  ]);
});

test('a row that another transaction makes meanwhile is added to, not lost and not doubled', async () => {
  const projects = Array.from({ length: 200 }, (_, i) => usage(i + 1, NOVEMBERS_FIRST, 1));
  await Promise.all([add(projects), add([...projects].reverse()), add(projects.slice(50))]);
  const { rows } = await pool.query(
    `select sum(sum) as messages, count(*) as projects from usage_hourly where meter_id = 1`,
  );
  expect(rows).toEqual([{ messages: '550', projects: '200' }]);
  const months = await pool.query(`select sum(sum) as n from usage_monthly where meter_id = 1`);
  expect(months.rows).toEqual([{ n: '550' }]);
});

test('two rows for one project and hour are refused: an update would take one of them', async () => {
  await add([usage(1, NOVEMBERS_FIRST, 1)]);
  const twice = [usage(1, NOVEMBERS_FIRST, 2), usage(1, NOVEMBERS_FIRST, 3)];
  await expect(add(twice)).rejects.toThrow('usage_hourly: 3 of 6 rows were added to');
  expect((await stored('usage_hourly'))[0]).toBe('1 1 11-01 00: 1 of 1');
});

test('hours are locked in the order of project and meter, however the rows come', async () => {
  const projects = Array.from({ length: 3_000 }, (_, i) => usage(i + 1, NOVEMBERS_FIRST, 1));
  await add(projects);
  await pool.query('analyze usage_hourly');
  const plan = await inTransaction(pool, async (transaction) => {
    await addMessageUsage(spying(transaction), projects);
    return updates;
  });
  expect(plan.join('\n')).not.toMatch(/Hash|Merge/);
  expect(plan.join('\n')).toMatch(/Nested Loop[\s\S]*Sort Key[\s\S]*Index Scan/);
});

const updates: string[] = [];

/** Runs every statement, and notes the plan of the hours' update. */
function spying(transaction: Transaction): Transaction {
  const query: Transaction['query'] = async (config, values) => {
    if (typeof config !== 'string' && config.name === 'update-message-usage_hourly') {
      const { rows } = await transaction.query<{ 'QUERY PLAN': string }>(
        `explain ${config.text}`,
        config.values ?? [],
      );
      updates.push(...rows.map((row) => row['QUERY PLAN']));
    }
    return transaction.query(config, values);
  };
  return { query } as Transaction;
}
