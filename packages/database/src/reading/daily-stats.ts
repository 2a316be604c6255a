import type { Queryable } from '../pool.ts';
import { DAILY_STATS, type StatRow } from './stat-columns.ts';

export interface DailyStatsRow {
  /** `YYYY-MM-DD` */
  readonly date: string;
  /** Whether its month is final, so that it never changes again. */
  readonly final: boolean;
  readonly figures: StatRow;
}

/** Days as dates, `[from, to)`, those after `after` only. */
export interface DayPage {
  readonly from: string;
  readonly to: string;
  readonly after: string | undefined;
  readonly limit: number;
}

const COLUMNS = `to_char(d.date, 'YYYY-MM-DD') as date, d.final,
    ${DAILY_STATS.map((column) => `d.${column}`).join(', ')}`;

/** Days of a project, the oldest first; those without usage have their zeros. */
export function readProjectDays(
  db: Queryable,
  projectId: string,
  page: DayPage,
): Promise<readonly DailyStatsRow[]> {
  return readDays(db, 'daily_stats d where d.project_id = $1', projectId, page);
}

/** The same, added up over an organization's projects. */
export function readOrganizationDays(
  db: Queryable,
  organizationId: string,
  page: DayPage,
): Promise<readonly DailyStatsRow[]> {
  return readDays(
    db,
    'organization_daily_stats d where d.organization_id = $1',
    organizationId,
    page,
  );
}

async function readDays(
  db: Queryable,
  ofOwner: string,
  id: string,
  { from, to, after, limit }: DayPage,
): Promise<readonly DailyStatsRow[]> {
  const { rows } = await db.query<DailyStatsRow & StatRow>(
    `select ${COLUMNS} from ${ofOwner}
       and d.date >= greatest($2::date, $4::date + 1) and d.date < $3::date
     order by d.date limit $5`,
    [id, from, to, after ?? null, limit],
  );
  return rows.map(({ date, final, ...figures }) => ({ date, final, figures }));
}
