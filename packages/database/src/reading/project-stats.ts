import type { Queryable } from '../pool.ts';
import type { ProjectName } from '../registry.ts';
import { PROJECT_STATS, type StatRow } from './stat-columns.ts';

/** Usage of a meter that an operator declared: slug, unit, this month's and the lifetime's figure, or null. */
export type MeterFigures = readonly [
  slug: string,
  unit: string,
  month: string | null,
  lifetime: string | null,
];

export interface ProjectStatsRow {
  readonly id: string;
  readonly organizationId: string;
  readonly organization: string;
  readonly project: string;
  /** `YYYY-MM` */
  readonly month: string;
  readonly updatedAt: Date;
  readonly figures: StatRow;
  readonly meters: readonly MeterFigures[];
}

/** Ids of operators' meters begin here (0002_meters.sql), so that this costs nothing where there are none. */
const FIRST_DECLARED_METER = 1_000;

/** A month's row counts as it is; late usage has no `month` and belongs to the lifetime only. */
const FIGURE = (filter: string): string => `case m.aggregation
        when 'count' then sum(u.count) ${filter}
        when 'avg' then sum(u.sum) ${filter} / nullif(sum(u.count) ${filter}, 0)
        when 'min' then min(u.min) ${filter}
        when 'max' then max(u.max) ${filter}
        when 'latest' then (array_agg(u.last order by u.last_at desc nulls last, u.last desc) ${filter})[1]
        else sum(u.sum) ${filter}
      end::text`;

/** Distinct values do not add up over months, so such a meter is left out: the meter query answers for it. */
const METERS = `(
    select coalesce(json_agg(json_build_array(d.slug, d.unit, d.month, d.lifetime) order by d.slug), '[]')
    from (
      select m.slug, m.unit,
        ${FIGURE("filter (where u.month = date_trunc('month', now(), 'UTC'))")} as month,
        ${FIGURE('filter (where true)')} as lifetime
      from (
        select meter_id, month, sum, count, min, max, last, last_at
        from usage_monthly where project_id = p.id and meter_id >= ${FIRST_DECLARED_METER}
        union all
        select meter_id, null, sum, count, min, max, last, last_at
        from usage_adjustments where project_id = p.id and meter_id >= ${FIRST_DECLARED_METER}
      ) u
      join meters m on m.id = u.meter_id
      where m.aggregation <> 'unique_count'
      group by m.id
    ) d
  )`;

const SELECT = `select p.id, o.id as "organizationId", o.slug as organization, p.slug as project,
    to_char(s.month at time zone 'UTC', 'YYYY-MM') as month, s.updated_at as "updatedAt",
    ${METERS} as meters, ${PROJECT_STATS.map((column) => `s.${column}`).join(', ')}
  from projects p
  join organizations o on o.id = p.organization_id
  join project_stats s on s.project_id = p.id`;

/**
 * The current month, the resources and the lifetime of a project, in one round trip: this is what dashboards ask all day.
 *
 * @param organization the only one whose projects may be seen; null: all.
 */
export async function readProjectStats(
  db: Queryable,
  by: ProjectName | { readonly id: string },
  organization: string | null,
): Promise<ProjectStatsRow | undefined> {
  const { rows } =
    'id' in by
      ? await db.query<ProjectStatsRow & StatRow>(
          {
            name: 'project-stats-by-id',
            text: `${SELECT} where p.id = $1 and ($2::text is null or o.slug = $2)`,
          },
          [by.id, organization],
        )
      : await db.query<ProjectStatsRow & StatRow>(
          {
            name: 'project-stats-by-name',
            text: `${SELECT} where o.slug = $1 and p.slug = $2 and ($3::text is null or o.slug = $3)`,
          },
          [by.organization, by.project, organization],
        );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { id, organizationId, project, month, updatedAt, meters, ...figures } = row;
  return {
    id,
    organizationId,
    organization: row.organization,
    project,
    month,
    updatedAt,
    meters,
    figures,
  };
}
