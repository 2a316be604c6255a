import { plainArray } from './array-parameter.ts';
import type { Transaction } from './pool.ts';

/** MQTT messages of one project in one hour. Whole numbers below 2^53. */
export interface MessageUsage {
  readonly projectId: string;
  readonly organizationId: string;
  readonly hour: string;
  readonly inboundMessages: number;
  readonly inboundBytes: number;
  readonly inboundUnits: number;
  readonly outboundMessages: number;
  readonly outboundBytes: number;
  readonly outboundUnits: number;
}

/** The built-in meters' ids, in the order of the columns (packages/domain/src/meters.ts fixes them). */
const SOURCE = `
  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[])
    as u (project_id, organization_id, hour, in_n, in_bytes, in_units, out_n, out_bytes, out_units)
  cross join lateral (values
    (1::smallint, u.in_n, u.in_n), (2::smallint, u.in_bytes, u.in_n), (3::smallint, u.in_units, u.in_n),
    (4::smallint, u.out_n, u.out_n), (5::smallint, u.out_bytes, u.out_n), (6::smallint, u.out_units, u.out_n)
  ) as m (meter_id, quantity, messages)
  where m.messages > 0`;

/** The rows to add, sorted; `offset 0` keeps the planner from undoing the sort. */
const HOURS = `select u.project_id, m.meter_id, u.hour as period, u.organization_id, m.quantity, m.messages ${SOURCE}
  order by 1, 2, 3 offset 0`;
const MONTHS = `select u.project_id, m.meter_id, date_trunc('month', u.hour, 'UTC') as period, u.organization_id,
    sum(m.quantity) as quantity, sum(m.messages) as messages ${SOURCE}
  group by 1, 2, 3, 4 order by 1, 2, 3 offset 0`;

/**
 * Adds counted messages to hours and live months, hours first, both sorted. One row per project goes over the wire and
 * becomes up to six in the database.
 *
 * @param rows one per project and hour; the hours' partitions must exist.
 */
export async function addMessageUsage(
  transaction: Transaction,
  rows: readonly MessageUsage[],
): Promise<void> {
  if (rows.length === 0) return;
  // Rows are locked in the order in which the updates find them: with these joins off that is the order of the sort.
  await transaction.query(
    `select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`,
  );
  const values = [
    plainArray(rows.map((row) => row.projectId)),
    plainArray(rows.map((row) => row.organizationId)),
    plainArray(rows.map((row) => row.hour)),
    plainArray(rows.map((row) => row.inboundMessages)),
    plainArray(rows.map((row) => row.inboundBytes)),
    plainArray(rows.map((row) => row.inboundUnits)),
    plainArray(rows.map((row) => row.outboundMessages)),
    plainArray(rows.map((row) => row.outboundBytes)),
    plainArray(rows.map((row) => row.outboundUnits)),
  ];
  const hours = countHours(rows);
  // Within one hour a month has as many rows; after the full hour it may have fewer, and the insert is simply run.
  const isOneHour = rows.every(({ hour }) => hour === rows[0]?.hour);
  await add(transaction, 'usage_hourly', 'hour', HOURS, values, hours);
  await add(transaction, 'usage_monthly', 'month', MONTHS, values, isOneHour ? hours : undefined);
}

/**
 * Updates the rows that exist, which is nearly always all of them, and inserts the others. An update writes half as much
 * to the log as `on conflict do update`, which locks each row as a step of its own.
 *
 * Which rows the update has found, the insert knows by their `xmin`: this transaction's id. Whatever another
 * transaction inserts in between is a conflict, and is added to.
 */
async function add(
  transaction: Transaction,
  table: string,
  period: string,
  sums: string,
  values: readonly string[],
  expectedRows: number | undefined,
): Promise<void> {
  const isRow = `t.project_id = s.project_id and t.meter_id = s.meter_id and t.${period} = s.period`;
  const touch = table === 'usage_monthly' ? ', updated_at = now()' : '';
  const { rowCount } = await transaction.query({
    name: `update-message-${table}`,
    text: `update ${table} as t set sum = t.sum + s.quantity, count = t.count + s.messages${touch}
      from (${sums}) as s where ${isRow}`,
    values: [...values],
  });
  if (rowCount === expectedRows) return;
  const inserted = await transaction.query({
    name: `insert-message-${table}`,
    text: `insert into ${table} as t (project_id, meter_id, ${period}, organization_id, sum, count)
      select * from (${sums}) as s
      where not exists (select from ${table} as t where ${isRow} and t.xmin = pg_current_xact_id()::xid)
      order by 1, 2, 3
      on conflict (project_id, meter_id, ${period}) do update
      set sum = t.sum + excluded.sum, count = t.count + excluded.count${touch}`,
    values: [...values],
  });
  // Two rows for one key would be one too few here: an update takes either of them, and says nothing.
  const added = (rowCount ?? 0) + (inserted.rowCount ?? 0);
  if (expectedRows !== undefined && added !== expectedRows) {
    throw new Error(`${table}: ${added} of ${expectedRows} rows were added to`);
  }
}

/** How many rows the hours have: three for each direction in which a project had messages. */
function countHours(rows: readonly MessageUsage[]): number {
  return rows.reduce(
    (sum, row) => sum + (row.inboundMessages > 0 ? 3 : 0) + (row.outboundMessages > 0 ? 3 : 0),
    0,
  );
}
