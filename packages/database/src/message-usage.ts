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

/**
 * Adds counted messages to hours and live months, sorted. One row per project goes over the wire and becomes up to six in
 * the database: at ten thousand projects a flush that is what keeps the worker ahead of the counter.
 */
export async function addMessageUsage(
  transaction: Transaction,
  rows: readonly MessageUsage[],
): Promise<void> {
  if (rows.length === 0) return;
  const values = [
    rows.map((row) => row.projectId),
    rows.map((row) => row.organizationId),
    rows.map((row) => row.hour),
    rows.map((row) => row.inboundMessages),
    rows.map((row) => row.inboundBytes),
    rows.map((row) => row.inboundUnits),
    rows.map((row) => row.outboundMessages),
    rows.map((row) => row.outboundBytes),
    rows.map((row) => row.outboundUnits),
  ];
  await transaction.query({
    name: 'add-message-usage-hourly',
    text: `insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count)
      select u.project_id, m.meter_id, u.hour, u.organization_id, m.quantity, m.messages ${SOURCE}
      order by 1, 2, 3
      on conflict (project_id, meter_id, hour) do update
      set sum = usage_hourly.sum + excluded.sum, count = usage_hourly.count + excluded.count`,
    values,
  });
  await transaction.query({
    name: 'add-message-usage-monthly',
    text: `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
      select u.project_id, m.meter_id, date_trunc('month', u.hour, 'UTC'), u.organization_id,
        sum(m.quantity), sum(m.messages) ${SOURCE}
      group by 1, 2, 3, 4 order by 1, 2, 3
      on conflict (project_id, meter_id, month) do update
      set sum = usage_monthly.sum + excluded.sum, count = usage_monthly.count + excluded.count, updated_at = now()`,
    values,
  });
}
