import type { Queryable, Transaction } from './pool.ts';
import type { UsageRow } from './usage.ts';

/** Usage of a name that is not registered. `device` is '' unless only the device is unknown. */
export interface UnattributedUsage extends Omit<UsageRow, 'projectId' | 'organizationId'> {
  readonly organization: string;
  readonly project: string;
  readonly device: string;
}

/** Keeps usage until its name is registered, sorted. */
export async function addUnattributedUsage(
  transaction: Transaction,
  rows: readonly UnattributedUsage[],
): Promise<void> {
  if (rows.length === 0) return;
  await transaction.query(
    `insert into unattributed_usage as t
       (organization, project, device, meter_id, hour, sum, count, min, max, last, last_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::numeric[],
       $7::bigint[], $8::numeric[], $9::numeric[], $10::numeric[], $11::timestamptz[])
       as u (organization, project, device, meter_id, hour, sum, count, min, max, last, last_at)
     order by 1, 2, 3, 4, 5
     on conflict (organization, project, device, meter_id, hour) do update
     set sum = t.sum + excluded.sum, count = t.count + excluded.count,
       min = least(t.min, excluded.min), max = greatest(t.max, excluded.max),
       last = case
         when excluded.last_at is null or (t.last_at, t.last) > (excluded.last_at, excluded.last) then t.last
         else excluded.last
       end,
       last_at = greatest(t.last_at, excluded.last_at)`,
    [
      rows.map((row) => row.organization),
      rows.map((row) => row.project),
      rows.map((row) => row.device),
      rows.map((row) => row.meterId),
      rows.map((row) => row.hour),
      rows.map((row) => row.sum),
      rows.map((row) => row.count),
      rows.map((row) => row.min),
      rows.map((row) => row.max),
      rows.map((row) => row.last),
      rows.map((row) => row.lastAt),
    ],
  );
}

export interface AttributableUsage extends UsageRow {
  readonly deviceId: string | null;
}

/** The months that usage of by now registered names belongs to, starts in milliseconds. */
export async function attributableMonths(db: Queryable): Promise<readonly number[]> {
  const { rows } = await db.query<{ month: Date }>(
    `select distinct date_trunc('month', u.hour, 'UTC') as month
     from unattributed_usage u
     join organizations o on o.slug = u.organization
     join projects p on p.organization_id = o.id and p.slug = u.project`,
  );
  return rows.map(({ month }) => month.getTime());
}

/**
 * Takes out the usage of the given months whose project, and device if one is named, is registered by now. The caller
 * adds it to the project's usage in the same transaction.
 */
export async function takeAttributableUsage(
  transaction: Transaction,
  months: readonly string[],
): Promise<readonly AttributableUsage[]> {
  const { rows } = await transaction.query<AttributableUsage>(
    `with attributable as (
       select u.organization, u.project, u.device, u.meter_id, u.hour,
         o.id as organization_id, p.id as project_id, d.id as device_id
       from unattributed_usage u
       join organizations o on o.slug = u.organization
       join projects p on p.organization_id = o.id and p.slug = u.project
       left join devices d on u.device <> '' and d.project_id = p.id and d.slug = u.device
       where (u.device = '' or d.id is not null)
         and date_trunc('month', u.hour, 'UTC') = any($1::timestamptz[])
       order by 1, 2, 3, 4, 5
       for update of u
     )
     delete from unattributed_usage u using attributable a
     where u.organization = a.organization and u.project = a.project and u.device = a.device
       and u.meter_id = a.meter_id and u.hour = a.hour
     returning a.project_id as "projectId", a.organization_id as "organizationId", a.device_id as "deviceId",
       u.meter_id as "meterId", to_char(u.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as hour,
       u.sum::text as sum, u.count::int as count, u.min::text as min, u.max::text as max, u.last::text as last,
       to_char(u.last_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "lastAt"`,
    [months],
  );
  return rows;
}

/** Gives stored events of by now registered projects their ids. @returns how many. */
export async function attributeEvents(transaction: Transaction): Promise<number> {
  const { rowCount } = await transaction.query(
    `update events e
     set organization_id = o.id, project_id = p.id, unattributed_to = null
     from organizations o join projects p on p.organization_id = o.id
     where e.unattributed_to is not null and e.unattributed_to = o.slug || '/' || p.slug`,
  );
  return rowCount ?? 0;
}
