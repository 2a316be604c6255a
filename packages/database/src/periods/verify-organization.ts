import type { Manifest } from '@odometer/domain/manifest';
import { monthEnd, toTimestamp } from '@odometer/domain/period';
import { ORGANIZATION_CHARGES, planAsUsed } from '../limits/charges.ts';
import type { Queryable } from '../pool.ts';
import { FORCED } from './manifest.ts';

/** What a manifest says beside the figures of the rows, as it follows from everything else now. */
export type ManifestHeader = Pick<
  Manifest,
  'organization' | 'month' | 'cutoff' | 'finalAt' | 'forced' | 'plan' | 'charges'
>;

/** Works out the header of an organization's manifest from its period, its plan, and what the plan makes of the month. */
export async function readManifestHeader(
  db: Queryable,
  monthMs: number,
  organizationId: string,
): Promise<ManifestHeader | undefined> {
  const { rows } = await db.query<
    Omit<ManifestHeader, 'cutoff' | 'finalAt' | 'month' | 'plan'> & {
      readonly closingAt: Date;
      readonly finalAt: Date;
    }
  >(
    `${ORGANIZATION_CHARGES}
     select o.slug as organization, f.closing_at as "closingAt", f.final_at as "finalAt", ${FORCED} as forced,
       jsonb_build_object('lines', c.charges, 'exceededLimits', c.exceeded_limits, 'overageCharge',
         c.overage_charge::text, 'currency', c.currency) as charges
     from charged c join periods f on f.organization_id = c.organization_id and f.month = $1
     join organizations o on o.id = c.organization_id`,
    [toTimestamp(monthMs), toTimestamp(monthEnd(monthMs)), [organizationId]],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const plans = await planAsUsed(db, monthMs, [organizationId]);
  const { closingAt, finalAt, ...header } = row;
  return {
    ...header,
    month: toTimestamp(monthMs).slice(0, 7),
    cutoff: closingAt.toISOString(),
    finalAt: finalAt.toISOString(),
    plan: plans.get(organizationId) ?? null,
  };
}

/** Slugs of organizations that have frozen rows of a month, and no final period of it: somebody has taken it away. */
export async function vanishedPeriods(
  db: Queryable,
  monthMs: number,
  organization?: string,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ slug: string }>(
    `select o.slug from organizations o
     where ($2::text is null or o.slug = $2)
       and not exists (select from periods f where f.organization_id = o.id and f.month = $1 and f.state in ('closing', 'final'))
       and (exists (select from project_months x where x.organization_id = o.id and x.month = $1 and x.final)
         or exists (select from usage_monthly u where u.organization_id = o.id and u.month = $1 and u.final))
     order by 1`,
    [toTimestamp(monthMs), organization ?? null],
  );
  return rows.map(({ slug }) => slug);
}
