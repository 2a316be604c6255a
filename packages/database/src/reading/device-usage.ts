import type { Queryable } from '../pool.ts';

export interface DeviceUsageRow {
  readonly deviceId: string;
  readonly device: string;
  readonly meterId: number;
  readonly meter: string;
  readonly unit: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly sum: string;
  readonly count: string;
}

/**
 * What each device of a project used, by meter and day, in the order of the primary key: a page reads its own rows only.
 *
 * @param page.after key of the last row of the page before.
 */
export async function listDeviceUsage(
  db: Queryable,
  projectId: string,
  page: {
    /** Dates, half-open. */
    readonly from: string;
    readonly to: string;
    readonly device: string | undefined;
    readonly meter: string | undefined;
    readonly after: readonly [deviceId: string, meterId: number, date: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly DeviceUsageRow[]> {
  const [deviceId = null, meterId = null, date = null] = page.after ?? [];
  const { rows } = await db.query<DeviceUsageRow>(
    `select v.id as "deviceId", v.slug as device, m.id as "meterId", m.slug as meter, m.unit,
       to_char(u.day at time zone 'UTC', 'YYYY-MM-DD') as date, u.sum, u.count
     from device_usage_daily u
     join devices v on v.id = u.device_id
     join meters m on m.id = u.meter_id
     where u.project_id = $1
       and u.day >= $2::date::timestamp at time zone 'UTC' and u.day < $3::date::timestamp at time zone 'UTC'
       and ($4::text is null or v.slug = $4) and ($5::text is null or m.slug = $5)
       and ($6::bigint is null
         or (u.device_id, u.meter_id, u.day) > ($6, $7::smallint, $8::date::timestamp at time zone 'UTC'))
     order by u.device_id, u.meter_id, u.day
     limit $9`,
    [
      projectId,
      page.from,
      page.to,
      page.device ?? null,
      page.meter ?? null,
      deviceId,
      meterId,
      date,
      page.limit,
    ],
  );
  return rows;
}
