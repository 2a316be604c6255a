import { BUILT_IN_METERS } from '@odometer/domain/meters';
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
const METERS = `select coalesce(json_agg(json_build_array(d.slug, d.unit, d.month, d.lifetime) order by d.slug), '[]') as meters
    from (
      select m.slug, m.unit,
        ${FIGURE("filter (where u.month = date_trunc('month', now(), 'UTC'))")} as month,
        ${FIGURE('filter (where true)')} as lifetime
      from (
        select meter_id, month, sum, count, min, max, last, last_at
        from usage_monthly where project_id = $1 and meter_id >= ${FIRST_DECLARED_METER}
        union all
        select meter_id, null, sum, count, min, max, last, last_at
        from usage_adjustments where project_id = $1 and meter_id >= ${FIRST_DECLARED_METER}
      ) u
      join meters m on m.id = u.meter_id
      where m.aggregation <> 'unique_count'
      group by m.id
    ) d`;

/**
 * The row of project_stats by its narrow rows: the view's wide columns are two dozen aggregates, which Postgres takes longer to
 * set up than to compute. A test holds both equal.
 */
const SELECT = `select p.id, o.id as "organizationId", o.slug as organization, p.slug as project,
    p.created_at as "createdAt", to_char(t.month at time zone 'UTC', 'YYYY-MM') as month,
    exists (select from usage_monthly where project_id = p.id and meter_id >= ${FIRST_DECLARED_METER})
      or exists (select from usage_adjustments where project_id = p.id and meter_id >= ${FIRST_DECLARED_METER}) as "usesDeclared",
    (select json_agg(json_build_array(u.meter_id, u.current::text, u.lifetime::text, u.updated_at)) from (
      select x.meter_id, sum(x.sum) as lifetime, sum(x.sum) filter (where x.month = t.month) as current,
        max(x.updated_at) as updated_at
      from (
        select meter_id, month, sum, updated_at from usage_monthly where project_id = p.id and meter_id <= 14
        union all
        select meter_id, null, sum, created_at from usage_adjustments where project_id = p.id and meter_id <= 14
      ) x group by x.meter_id
    ) u) as counters,
    (select json_agg(json_build_array(l.meter_id, l.last::text)) from (
      select distinct on (u.meter_id) u.meter_id, u.last from usage_monthly u
      where u.project_id = p.id and u.meter_id between 15 and 21 and p.archived_at is null
      order by u.meter_id, u.month desc
    ) l) as gauges,
    (select json_build_array(count(*)::text,
        (count(*) filter (where v.last_seen_at > now() - interval '24 hours'))::text)
      from devices v where v.project_id = p.id) as devices
  from projects p
  join organizations o on o.id = p.organization_id
  cross join (select date_trunc('month', now(), 'UTC') as month offset 0) t`;

interface NarrowRow extends Omit<ProjectStatsRow, 'figures' | 'updatedAt' | 'meters'> {
  readonly usesDeclared: boolean;
  readonly createdAt: Date;
  readonly counters:
    | readonly (readonly [
        meterId: number,
        month: string | null,
        lifetime: string,
        updatedAt: string,
      ])[]
    | null;
  readonly gauges: readonly (readonly [meterId: number, last: string | null])[] | null;
  readonly devices: readonly [total: string, active: string];
}

/** The gauges of project_stats; the others are counted. */
const GAUGE_COLUMNS: ReadonlyMap<string, string> = new Map([
  ['storage_bytes', 'total_storage_bytes'],
  ['s3_storage_bytes', 'total_s3_storage_bytes'],
  ['docker_storage_bytes', 'total_docker_storage_bytes'],
  ['logs_storage_bytes', 'total_logs_storage_bytes'],
  ['ecr_image_count', 'current_ecr_images'],
]);

/**
 * The current month, the resources and the lifetime of a project, in one round trip where there is no declared meter's
 * usage: this is what dashboards ask all day.
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
      ? await db.query<NarrowRow>(
          {
            name: 'project-stats-by-id',
            text: `${SELECT} where p.id = $1 and ($2::text is null or o.slug = $2)`,
          },
          [by.id, organization],
        )
      : await db.query<NarrowRow>(
          {
            name: 'project-stats-by-name',
            text: `${SELECT} where o.slug = $1 and p.slug = $2 and ($3::text is null or o.slug = $3)`,
          },
          [by.organization, by.project, organization],
        );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { counters, gauges, devices, createdAt, usesDeclared, ...names } = row;
  return {
    ...names,
    meters: usesDeclared ? await readDeclared(db, row.id) : [],
    figures: widen(counters ?? [], gauges ?? [], devices),
    updatedAt:
      (counters ?? []).reduce<Date | undefined>((last, [, , , text]) => {
        const at = new Date(text);
        return last === undefined || at > last ? at : last;
      }, undefined) ?? createdAt,
  };
}

async function readDeclared(db: Queryable, projectId: string): Promise<readonly MeterFigures[]> {
  const { rows } = await db.query<{ meters: readonly MeterFigures[] }>(
    { name: 'project-declared-meters', text: METERS },
    [projectId],
  );
  return rows[0]?.meters ?? [];
}

/** The wide columns; what has no row is 0. */
function widen(
  counters: NonNullable<NarrowRow['counters']>,
  gauges: NonNullable<NarrowRow['gauges']>,
  [total, active]: NarrowRow['devices'],
): StatRow {
  const figures: Record<string, string> = Object.fromEntries(
    PROJECT_STATS.map((column) => [column, '0']),
  );
  const slugOf = (meterId: number) => BUILT_IN_METERS[meterId - 1]?.slug ?? '';
  for (const [meterId, month, lifetime] of counters) {
    const slug = slugOf(meterId);
    figures[slug] = month ?? '0';
    figures[`lifetime_${slug}`] = lifetime;
  }
  for (const [meterId, last] of gauges) {
    const column = GAUGE_COLUMNS.get(slugOf(meterId));
    if (column !== undefined) figures[column] = last ?? '0';
  }
  figures.total_devices = total;
  figures.active_devices = active;
  return figures;
}
