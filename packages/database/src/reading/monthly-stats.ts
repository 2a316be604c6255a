import type { Queryable } from '../pool.ts';
import { MONTHLY_AVERAGES, MONTHLY_STATS, type StatRow } from './stat-columns.ts';

export interface MonthlyStatsRow {
  /** `YYYY-MM` */
  readonly month: string;
  readonly state: string;
  readonly tier: string | null;
  readonly exceededLimits: readonly string[];
  readonly currency: string | null;
  readonly figures: StatRow;
}

/** Months as the dates on which they begin, `[from, to)`, those after `after` only. */
export interface MonthPage {
  readonly from: string;
  readonly to: string;
  readonly after: string | undefined;
  readonly limit: number;
}

const FIGURES = [...MONTHLY_STATS, ...MONTHLY_AVERAGES].map((column) => `m.${column}`).join(', ');

/** Months of a project, the oldest first. */
export function readProjectMonths(
  db: Queryable,
  projectId: string,
  page: MonthPage,
): Promise<readonly MonthlyStatsRow[]> {
  return readMonths(db, 'monthly_stats m where m.project_id = $1', projectId, page);
}

/** The same, added up over an organization's projects. */
export function readOrganizationMonths(
  db: Queryable,
  organizationId: string,
  page: MonthPage,
): Promise<readonly MonthlyStatsRow[]> {
  return readMonths(
    db,
    'organization_monthly_stats m where m.organization_id = $1',
    organizationId,
    page,
  );
}

async function readMonths(
  db: Queryable,
  ofOwner: string,
  id: string,
  { from, to, after, limit }: MonthPage,
): Promise<readonly MonthlyStatsRow[]> {
  const { rows } = await db.query<MonthlyStatsRow & StatRow>(
    `select to_char(make_date(m.year, m.month, 1), 'YYYY-MM') as month, m.state, m.tier,
       m.exceeded_limits as "exceededLimits", m.currency, ${FIGURES}
     from ${ofOwner}
       and make_date(m.year, m.month, 1) >= greatest($2::date, ($4::date + interval '1 month')::date)
       and make_date(m.year, m.month, 1) < $3::date
     order by m.year, m.month limit $5`,
    [id, from, to, after ?? null, limit],
  );
  return rows.map(({ month, state, tier, exceededLimits, currency, ...figures }) => ({
    month,
    state,
    tier,
    exceededLimits,
    currency,
    figures: figures as StatRow,
  }));
}
