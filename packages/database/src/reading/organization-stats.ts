import type { Queryable } from '../pool.ts';
import { ORGANIZATION_STATS, type StatRow } from './stat-columns.ts';

export interface OrganizationStatsRow {
  readonly id: string;
  readonly organization: string;
  /** `YYYY-MM` */
  readonly month: string;
  /** Null before its first usage. */
  readonly updatedAt: Date | null;
  readonly figures: StatRow;
}

/** The current month, the resources and the lifetime of an organization. Reads a row per project, meter and month. */
export async function readOrganizationStats(
  db: Queryable,
  organization: string,
): Promise<OrganizationStatsRow | undefined> {
  const { rows } = await db.query<OrganizationStatsRow & StatRow>(
    {
      name: 'organization-stats',
      text: `select o.id, o.slug as organization, to_char(s.month at time zone 'UTC', 'YYYY-MM') as month,
        s.updated_at as "updatedAt", ${ORGANIZATION_STATS.map((column) => `s.${column}`).join(', ')}
      from organizations o join organization_stats s on s.organization_id = o.id
      where o.slug = $1`,
    },
    [organization],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { id, month, updatedAt, ...figures } = row;
  return { id, organization: row.organization, month, updatedAt, figures };
}
