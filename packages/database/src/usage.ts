import { plainArray } from './array-parameter.ts';
import type { Transaction } from './pool.ts';

/** What is added to one project's meter in one hour. Quantities are decimal text. */
export interface UsageRow {
  readonly projectId: string;
  readonly organizationId: string;
  readonly meterId: number;
  readonly hour: string;
  readonly sum: string;
  readonly count: number;
  readonly min: string | null;
  readonly max: string | null;
  readonly last: string | null;
  readonly lastAt: string | null;
}

const UNNEST = `unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::numeric[], $6::bigint[],
  $7::numeric[], $8::numeric[], $9::numeric[], $10::timestamptz[])
  as u (project_id, organization_id, meter_id, hour, sum, count, min, max, last, last_at)`;

/** Of two readings at one instant the greater is the last: any rule will do, if it does not depend on arrival. */
const MERGE = (table: string) => `
  sum = ${table}.sum + excluded.sum,
  count = ${table}.count + excluded.count,
  min = least(${table}.min, excluded.min),
  max = greatest(${table}.max, excluded.max),
  last = case
    when excluded.last_at is null or (${table}.last_at, ${table}.last) > (excluded.last_at, excluded.last)
    then ${table}.last else excluded.last
  end,
  last_at = greatest(${table}.last_at, excluded.last_at)`;

/**
 * Adds usage to hours and to the live months, hours first, both sorted. The month's row is written with every apply
 * because reading a month from its hours is a thousand times slower.
 *
 * @param rows one per (project, meter, hour); the hours' partitions must exist.
 */
export async function addUsage(transaction: Transaction, rows: readonly UsageRow[]): Promise<void> {
  if (rows.length === 0) return;
  const values = [
    plainArray(rows.map((row) => row.projectId)),
    plainArray(rows.map((row) => row.organizationId)),
    plainArray(rows.map((row) => row.meterId)),
    plainArray(rows.map((row) => row.hour)),
    plainArray(rows.map((row) => row.sum)),
    plainArray(rows.map((row) => row.count)),
    plainArray(rows.map((row) => row.min)),
    plainArray(rows.map((row) => row.max)),
    plainArray(rows.map((row) => row.last)),
    plainArray(rows.map((row) => row.lastAt)),
  ];
  await transaction.query({
    name: 'add-usage-hourly',
    text: `insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at)
      select project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at
      from ${UNNEST} order by project_id, meter_id, hour
      on conflict (project_id, meter_id, hour) do update set ${MERGE('usage_hourly')}`,
    values,
  });
  await transaction.query({
    name: 'add-usage-monthly',
    text: `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, min, max, last, last_at)
      select project_id, meter_id, date_trunc('month', hour, 'UTC'), organization_id, sum(sum), sum(count), min(min),
        max(max), (array_agg(last order by last_at desc nulls last, last desc nulls last))[1], max(last_at)
      from ${UNNEST}
      group by 1, 2, 3, 4 order by 1, 2, 3
      on conflict (project_id, meter_id, month) do update set ${MERGE('usage_monthly')}, updated_at = now()`,
    values,
  });
}
