import { MONTH_END } from './month-conditions.ts';

/**
 * SQL of the gauges of a month that starts at $1, by project: peak, average, and what was carried in. A reading holds until
 * the next one, the last one of earlier months until the first; before the very first, and once the project is archived, it
 * is 0. The average is over the whole month, as storage is sold by the gigabyte-month.
 *
 * @param of condition on the projects, given the name of the column with the project's id.
 */
export function gaugesOfMonth(of: (projectId: string) => string): string {
  return `(
    with carried as (
      select distinct on (u.project_id, u.meter_id) u.project_id, u.meter_id, u.organization_id, u.last, u.last_at
      from usage_monthly u join meters m on m.id = u.meter_id
      where ${of('u.project_id')} and u.month < $1 and u.last is not null
        and m.kind = 'gauge' and m.owner <> 'events'
        -- Not what an earlier month got that was closed after this one had begun to close.
        and not exists (
          select from periods e join periods c on c.organization_id = e.organization_id and c.month = $1
          where e.organization_id = u.organization_id and e.month = u.month and c.closing_act is not null
            and (e.final_act is null or e.final_act > c.closing_act)
        )
      order by u.project_id, u.meter_id, u.month desc
    ), levels as (
      select r.project_id, r.meter_id, r.organization_id, r.at, r.value
      from gauge_readings r
      where ${of('r.project_id')} and r.at >= $1 and r.at < ${MONTH_END} and not r.late
      union all
      select c.project_id, c.meter_id, c.organization_id, $1, c.last from carried c
      where not exists (select from gauge_readings r
        where r.project_id = c.project_id and r.meter_id = c.meter_id and r.at = $1 and not r.late)
    ), spans as (
      select l.*, lead(l.at, 1, ${MONTH_END}) over (partition by l.project_id, l.meter_id order by l.at) as until
      from levels l
    ), months as (
      select s.project_id, s.meter_id, s.organization_id,
        coalesce(max(s.value) filter (where p.archived_at is null or s.at < p.archived_at), 0) as peak,
        sum(s.value * greatest(0, extract(epoch from least(s.until, coalesce(p.archived_at, s.until)) - s.at)))
          / extract(epoch from ${MONTH_END} - $1) as average
      from spans s join projects p on p.id = s.project_id
      group by 1, 2, 3
    )
    select m.project_id, m.meter_id, m.organization_id, m.peak, round(m.average, 6) as average, c.last, c.last_at
    from months m left join carried c using (project_id, meter_id)
  )`;
}
