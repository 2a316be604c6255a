import type { Queryable } from '../pool.ts';

export interface AdjustmentRow {
  readonly id: string;
  readonly organization: string;
  readonly projectId: string;
  readonly project: string;
  readonly meter: string;
  readonly unit: string;
  readonly hour: Date;
  /** `YYYY-MM` */
  readonly billedMonth: string;
  readonly sum: string;
  readonly count: string;
  readonly min: string | null;
  readonly max: string | null;
  readonly last: string | null;
  readonly createdAt: Date;
}

/** Late usage, the newest first. */
export async function listAdjustments(
  db: Queryable,
  page: {
    /** The only organization that may be seen; null: all. */
    readonly organization: string | null;
    readonly projectId: string | undefined;
    /** The month that is billed, `YYYY-MM`. */
    readonly billedMonth: string | undefined;
    /** Id of the last one of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly AdjustmentRow[]> {
  const { rows } = await db.query<AdjustmentRow>(
    `select a.id, o.slug as organization, p.id as "projectId", p.slug as project, m.slug as meter, m.unit, a.hour,
       to_char(a.billed_month at time zone 'UTC', 'YYYY-MM') as "billedMonth",
       a.sum, a.count, a.min, a.max, a.last, a.created_at as "createdAt"
     from usage_adjustments a
     join projects p on p.id = a.project_id
     join organizations o on o.id = a.organization_id
     join meters m on m.id = a.meter_id
     where ($1::text is null or a.organization_id = (select id from organizations where slug = $1))
       and ($2::bigint is null or a.project_id = $2)
       and ($3::date is null or a.billed_month = $3::date::timestamp at time zone 'UTC')
       and ($4::bigint is null or a.id < $4)
     order by a.id desc
     limit $5`,
    [
      page.organization,
      page.projectId ?? null,
      page.billedMonth === undefined ? null : `${page.billedMonth}-01`,
      page.after ?? null,
      page.limit,
    ],
  );
  return rows;
}
