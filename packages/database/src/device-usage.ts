import { plainArray } from './array-parameter.ts';
import type { Transaction } from './pool.ts';

export interface DeviceUsage {
  readonly projectId: string;
  readonly organizationId: string;
  readonly deviceId: string;
  readonly meterId: number;
  readonly day: string;
  readonly sum: string;
  readonly count: number;
}

/** Adds to devices' daily usage, sorted. */
export async function addDeviceUsage(
  transaction: Transaction,
  rows: readonly DeviceUsage[],
): Promise<void> {
  if (rows.length === 0) return;
  await transaction.query({
    name: 'add-device-usage',
    text: `insert into device_usage_daily (project_id, device_id, meter_id, day, organization_id, sum, count)
      select project_id, device_id, meter_id, day, organization_id, sum, count
      from unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::bigint[], $6::numeric[], $7::bigint[])
        as u (project_id, device_id, meter_id, day, organization_id, sum, count)
      order by 1, 2, 3, 4
      on conflict (project_id, device_id, meter_id, day) do update
      set sum = device_usage_daily.sum + excluded.sum, count = device_usage_daily.count + excluded.count`,
    values: [
      plainArray(rows.map((row) => row.projectId)),
      plainArray(rows.map((row) => row.deviceId)),
      plainArray(rows.map((row) => row.meterId)),
      plainArray(rows.map((row) => row.day)),
      plainArray(rows.map((row) => row.organizationId)),
      plainArray(rows.map((row) => row.sum)),
      plainArray(rows.map((row) => row.count)),
    ],
  });
}

/** Notes on which days devices were active, sorted. */
export async function addDeviceDays(
  transaction: Transaction,
  rows: readonly { readonly projectId: string; readonly deviceId: string; readonly day: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  await transaction.query(
    `insert into device_days (project_id, device_id, day)
     select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as d (project_id, device_id, day)
     order by 1, 2, 3
     on conflict do nothing`,
    [rows.map((row) => row.projectId), rows.map((row) => row.deviceId), rows.map((row) => row.day)],
  );
}
