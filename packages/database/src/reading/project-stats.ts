import { BUILT_IN_METERS } from '@odometer/domain/meters';
import type { Queryable } from '../pool.ts';
import type { ProjectName } from '../registry.ts';
import { PROJECT_STATS, type StatRow } from './stat-columns.ts';

/**
 * Usage of a meter that has no column: one that an operator declared, or of stored objects. Of a level both figures are the
 * last reading.
 */
export interface MeterFigures {
  readonly slug: string;
  readonly unit: string;
  readonly isLevel: boolean;
  readonly month: string | null;
  readonly lifetime: string | null;
}

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

/**
 * Meters that have no column in project_stats begin here: s3_object_count and s3_byte_hours (0013_storage.sql), and from 1,000 on
 * those of operators, so that this costs nothing where there are none.
 */
const FIRST_WITHOUT_COLUMN = 22;

/** What is read and not counted, and holds until it is read again. A declared maximum is a gauge as well, of its month. */
const IS_LEVEL = `(m.built_in and m.kind = 'gauge')`;

/** A month's row counts as it is; late usage has no `month` and belongs to the lifetime only. */
const FIGURE = (
  filter: string,
): string => `case case when ${IS_LEVEL} then 'latest' else m.aggregation end
        when 'count' then sum(u.count) ${filter}
        when 'avg' then sum(u.sum) ${filter} / nullif(sum(u.count) ${filter}, 0)
        when 'min' then min(u.min) ${filter}
        when 'max' then max(u.max) ${filter}
        when 'latest' then (array_agg(u.last order by u.last_at desc nulls last, u.last desc) ${filter})[1]
        else sum(u.sum) ${filter}
      end::text`;

/** Distinct values do not add up over months, so such a meter is left out: the meter query answers for it. */
const METERS = `select m.slug, m.unit, ${IS_LEVEL} as "isLevel",
        ${FIGURE(`filter (where u.month = date_trunc('month', now(), 'UTC') or ${IS_LEVEL})`)} as month,
        ${FIGURE('filter (where true)')} as lifetime
      from (
        select meter_id, month, sum, count, min, max, last, last_at
        from usage_monthly where project_id = $1 and meter_id >= ${FIRST_WITHOUT_COLUMN}
        union all
        select meter_id, null, sum, count, min, max, last, last_at
        from usage_adjustments where project_id = $1 and meter_id >= ${FIRST_WITHOUT_COLUMN}
      ) u
      join meters m on m.id = u.meter_id
      where m.aggregation <> 'unique_count'
      group by m.id
      order by m.slug`;

/**
 * The row of project_stats by its narrow rows: the view's wide columns are two dozen aggregates, which Postgres takes longer to
 * set up than to compute. A test holds both equal.
 */
const SELECT = `select p.id, o.id as "organizationId", o.slug as organization, p.slug as project,
    p.created_at as "createdAt", to_char(t.month at time zone 'UTC', 'YYYY-MM') as month,
    exists (select from usage_monthly where project_id = p.id and meter_id >= ${FIRST_WITHOUT_COLUMN})
      or exists (select from usage_adjustments where project_id = p.id and meter_id >= ${FIRST_WITHOUT_COLUMN}) as "usesOthers",
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
  readonly usesOthers: boolean;
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
 * The current month, the resources and the lifetime of a project, in one round trip where no other meter has
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
  const { counters, gauges, devices, createdAt, usesOthers, ...names } = row;
  return {
    ...names,
    meters: usesOthers ? await readOthers(db, row.id) : [],
    figures: widen(counters ?? [], gauges ?? [], devices),
    updatedAt:
      (counters ?? []).reduce<Date | undefined>((last, [, , , text]) => {
        const at = new Date(text);
        return last === undefined || at > last ? at : last;
      }, undefined) ?? createdAt,
  };
}

async function readOthers(db: Queryable, projectId: string): Promise<readonly MeterFigures[]> {
  const { rows } = await db.query<MeterFigures>({ name: 'project-other-meters', text: METERS }, [
    projectId,
  ]);
  return rows;
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
