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
  /** What a gauge was read at last in the hour. */
  readonly isReading: boolean;
}

/** Slugs of organizations some of whose kept usage, or stored events, have found their project by now; sorted. */
export async function attributableOrganizations(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ slug: string }>(
    `select o.slug
     from unattributed_usage u
     join organizations o on o.slug = u.organization
     join projects p on p.organization_id = o.id and p.slug = u.project
     where u.device = '' or exists (select from devices d where d.project_id = p.id and d.slug = u.device)
     union
     select o.slug
     from events e
     join organizations o on o.slug = split_part(e.unattributed_to, '/', 1)
     join projects p on p.organization_id = o.id and p.slug = split_part(e.unattributed_to, '/', 2)
     where e.unattributed_to is not null
     order by 1`,
  );
  return rows.map(({ slug }) => slug);
}

/** The months that usage of an organization's by now registered names belongs to, starts in milliseconds. */
export async function attributableMonths(
  db: Queryable,
  organization: string,
): Promise<readonly number[]> {
  const { rows } = await db.query<{ month: Date }>(
    `select distinct date_trunc('month', u.hour, 'UTC') as month
     from unattributed_usage u
     join organizations o on o.slug = u.organization
     join projects p on p.organization_id = o.id and p.slug = u.project
     where u.organization = $1`,
    [organization],
  );
  return rows.map(({ month }) => month.getTime());
}

/**
 * Takes out some usage of an organization, of the given months, whose project, and device if one is named, is registered
 * by now. The caller adds it to the project's usage in the same transaction.
 */
export async function takeAttributableUsage(
  transaction: Transaction,
  organization: string,
  months: readonly string[],
  maxRows: number,
): Promise<readonly AttributableUsage[]> {
  const { rows } = await transaction.query<AttributableUsage>(
    `with attributable as (
       select u.organization, u.project, u.device, u.meter_id, u.hour,
         o.id as organization_id, p.id as project_id, d.id as device_id
       from unattributed_usage u
       join organizations o on o.slug = u.organization
       join projects p on p.organization_id = o.id and p.slug = u.project
       left join devices d on u.device <> '' and d.project_id = p.id and d.slug = u.device
       where u.organization = $1 and (u.device = '' or d.id is not null)
         and date_trunc('month', u.hour, 'UTC') = any($2::timestamptz[])
       order by 1, 2, 3, 4, 5
       limit $3
       for update of u
     )
     delete from unattributed_usage u using attributable a
     where u.organization = a.organization and u.project = a.project and u.device = a.device
       and u.meter_id = a.meter_id and u.hour = a.hour
     returning a.project_id as "projectId", a.organization_id as "organizationId", a.device_id as "deviceId",
       u.meter_id in (select m.id from meters m where m.kind = 'gauge' and m.owner <> 'events') as "isReading",
       u.meter_id as "meterId", to_char(u.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as hour,
       u.sum::text as sum, u.count::int as count, u.min::text as min, u.max::text as max, u.last::text as last,
       to_char(u.last_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "lastAt"`,
    [organization, months, maxRows],
  );
  return rows;
}

/** Gives an organization's stored events of by now registered projects their ids. @returns how many. */
export async function attributeEvents(
  transaction: Transaction,
  organization: string,
): Promise<number> {
  const { rowCount } = await transaction.query(
    `update events e
     set organization_id = o.id, project_id = p.id, unattributed_to = null
     from organizations o join projects p on p.organization_id = o.id
     where e.unattributed_to is not null and e.unattributed_to = o.slug || '/' || p.slug and o.slug = $1`,
    [organization],
  );
  return rowCount ?? 0;
}
