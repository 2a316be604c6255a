import type { Queryable } from '../pool.ts';
import type { ProjectName } from '../registry.ts';

export interface MeterSubjects {
  readonly meterId: number;
  /** Slug of the only organization that may be seen; null: all. */
  readonly organization: string | null;
  /** Hours, half-open; null: without end. */
  readonly from: Date | null;
  readonly to: Date | null;
}

/** The projects that used a meter, by name. */
export async function listMeterSubjects(
  db: Queryable,
  { meterId, organization, from, to }: MeterSubjects,
): Promise<readonly ProjectName[]> {
  // Project by project: a look-up in the primary key each, where all rows of a meter would be read for their projects.
  const { rows } = await db.query<ProjectName>(
    `select o.slug as organization, p.slug as project
     from projects p join organizations o on o.id = p.organization_id
     where ($2::text is null or o.slug = $2)
       and (
         case when $3::timestamptz is null and $4::timestamptz is null
           then exists (select from usage_monthly u where u.project_id = p.id and u.meter_id = $1)
           else exists (
             select from usage_hourly u
             where u.project_id = p.id and u.meter_id = $1
               and u.hour >= coalesce(date_trunc('hour', $3::timestamptz, 'UTC'), '-infinity')
               and u.hour < coalesce($4::timestamptz, 'infinity')
           )
         end
         or exists (
           select from usage_adjustments a
           where a.project_id = p.id and a.meter_id = $1
             and a.hour >= coalesce(date_trunc('hour', $3::timestamptz, 'UTC'), '-infinity')
             and a.hour < coalesce($4::timestamptz, 'infinity')
         )
       )
     order by 1, 2`,
    [meterId, organization, from, to],
  );
  return rows;
}
