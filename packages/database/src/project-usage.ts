import type { Queryable } from './pool.ts';

/** The row of project_stats as it is: column → decimal text, bigint text or a time. */
export type ProjectStats = Readonly<Record<string, string | Date | null>>;

/** The current month, the resources and the lifetime of a project. */
export async function readProjectStats(
  db: Queryable,
  projectId: string,
): Promise<ProjectStats | undefined> {
  const { rows } = await db.query<ProjectStats>(
    'select * from project_stats where project_id = $1',
    [projectId],
  );
  return rows[0];
}

export interface DeclaredMeterUsage {
  readonly slug: string;
  readonly unit: string;
  /** Decimal text; null when there is none. */
  readonly month: string | null;
  readonly lifetime: string | null;
}

/**
 * Usage of the meters that operators declared; project_stats has the built-in ones. A meter of distinct values is left
 * out: those do not add up over months.
 */
export async function readDeclaredUsage(
  db: Queryable,
  projectId: string,
): Promise<readonly DeclaredMeterUsage[]> {
  const value = (rows: string): string => `case m.aggregation
      when 'count' then sum(u.count) ${rows}
      when 'avg' then sum(u.sum) ${rows} / sum(u.count) ${rows}
      when 'min' then min(u.min) ${rows}
      when 'max' then max(u.max) ${rows}
      when 'latest' then (array_agg(u.last order by u.month desc) ${rows})[1]
      else sum(u.sum) ${rows}
    end`;
  const { rows } = await db.query<DeclaredMeterUsage>(
    `select m.slug, m.unit,
       ${value("filter (where u.month = date_trunc('month', now(), 'UTC'))")} as month,
       ${value('filter (where true)')} as lifetime
     from usage_monthly u join meters m on m.id = u.meter_id
     where u.project_id = $1 and not m.built_in and m.aggregation <> 'unique_count'
     group by m.slug, m.unit, m.aggregation
     order by m.slug`,
    [projectId],
  );
  return rows;
}
