import type { Queryable } from '../pool.ts';

export interface PeriodRow {
  readonly organizationId: string;
  readonly organization: string;
  /** `YYYY-MM` */
  readonly month: string;
  readonly state: string;
  readonly draftedAt: Date | null;
  readonly closingAt: Date | null;
  readonly finalAt: Date | null;
  /** When its grace is over, as a worker said that looked last. */
  readonly dueAt: Date | null;
  readonly heldUpBy: readonly string[];
  readonly forcedBy: string | null;
  readonly forcedReason: string | null;
  readonly exceededLimits: readonly string[];
  /** Of the organization's own limits, minor units. */
  readonly overageCharge: string;
  /** Of its projects' limits. */
  readonly projectsOverageCharge: string;
  readonly currency: string | null;
}

/** What a close of one organization can be recomputed from. */
export interface PeriodWithManifest extends PeriodRow {
  readonly charges: unknown;
  readonly manifest: unknown;
}

const PROJECTS_CHARGE = `(select coalesce(sum(x.overage_charge), 0) from project_months x
    where x.organization_id = p.organization_id and x.month = p.month)`;

const COLUMNS = `o.id as "organizationId", o.slug as organization, to_char(p.month at time zone 'UTC', 'YYYY-MM') as month,
    p.state, p.drafted_at as "draftedAt", p.closing_at as "closingAt", p.final_at as "finalAt", p.due_at as "dueAt", p.held_up_by as "heldUpBy",
    p.forced_by as "forcedBy", p.forced_reason as "forcedReason", p.exceeded_limits as "exceededLimits",
    p.overage_charge as "overageCharge", ${PROJECTS_CHARGE} as "projectsOverageCharge", p.currency`;

/** The newest month first. An open month has no row, so it is not among them. */
export async function listPeriods(
  db: Queryable,
  page: {
    /** The only organization that may be seen; null: all. */
    readonly organization: string | null;
    readonly state: string | undefined;
    /** `YYYY-MM` */
    readonly month: string | undefined;
    readonly after: readonly [month: string, organizationId: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly PeriodRow[]> {
  const [afterMonth, afterId = null] = page.after ?? [];
  const { rows } = await db.query<PeriodRow>(
    `select ${COLUMNS}
     from periods p join organizations o on o.id = p.organization_id
     where ($1::text is null or o.slug = $1)
       and ($2::text is null or p.state = $2)
       and ($3::date is null or p.month = $3::date::timestamp at time zone 'UTC')
       and ($4::date is null or p.month < $4::date::timestamp at time zone 'UTC'
         or (p.month = $4::date::timestamp at time zone 'UTC' and p.organization_id > $5::bigint))
     order by p.month desc, p.organization_id
     limit $6`,
    [
      page.organization,
      page.state ?? null,
      firstDay(page.month),
      firstDay(afterMonth),
      afterId,
      page.limit,
    ],
  );
  return rows;
}

/** One month of an organization; one without a row is open. Undefined when there is no such organization. */
export async function findPeriod(
  db: Queryable,
  organization: string,
  month: string,
): Promise<PeriodWithManifest | undefined> {
  const { rows } = await db.query<PeriodWithManifest>(
    `select o.id as "organizationId", o.slug as organization, to_char($2::date, 'YYYY-MM') as month,
       coalesce(p.state, 'open') as state, p.drafted_at as "draftedAt", p.closing_at as "closingAt",
       p.final_at as "finalAt", p.due_at as "dueAt", coalesce(p.held_up_by, '{}') as "heldUpBy", p.forced_by as "forcedBy",
       p.forced_reason as "forcedReason", coalesce(p.exceeded_limits, '{}') as "exceededLimits",
       coalesce(p.overage_charge, 0) as "overageCharge", ${PROJECTS_CHARGE} as "projectsOverageCharge", p.currency, coalesce(p.charges, '[]') as charges, p.manifest
     from organizations o
     left join periods p on p.organization_id = o.id and p.month = $2::date::timestamp at time zone 'UTC'
     where o.slug = $1`,
    [organization, firstDay(month)],
  );
  return rows[0];
}

function firstDay(month: string | undefined): string | null {
  return month === undefined ? null : `${month}-01`;
}
