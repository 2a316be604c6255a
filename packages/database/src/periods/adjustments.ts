import { plainArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';
import type { UsageRow } from '../usage.ts';

/**
 * Keeps usage of a closed month beside it: each row names the hour it belongs to, and is billed in a month that is open.
 *
 * @param billedMonth the start of that month, locked by the transaction (lockPeriods).
 */
export async function addAdjustments(
  transaction: Transaction,
  rows: readonly UsageRow[],
  billedMonth: string,
): Promise<void> {
  if (rows.length === 0) return;
  await transaction.query(
    `insert into usage_adjustments
       (project_id, organization_id, meter_id, hour, sum, count, min, max, last, last_at, billed_month)
     select u.*, $11 from unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::numeric[],
       $6::bigint[], $7::numeric[], $8::numeric[], $9::numeric[], $10::timestamptz[]) as u`,
    [
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
      billedMonth,
    ],
  );
}
