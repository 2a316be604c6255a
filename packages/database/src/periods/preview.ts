import { monthEnd, toTimestamp } from '@odometer/domain/period';
import { organizationCharges, projectCharges } from '../limits/charges.ts';
import type { Queryable } from '../pool.ts';
import { gaugesOfMonth } from './gauges-of-month.ts';
import { IS_OF_MONTH } from './month-conditions.ts';

/** Projects a statement looks at. */
const PROJECTS_A_CHUNK = 1_000;

/** A limit's use with a price, as it would be billed. Decimal text; charges in minor units. */
export interface ChargeLine {
  readonly meter: string;
  readonly included: string;
  readonly used: string;
  readonly overage: string;
  readonly price_per_unit: string;
  readonly charge: string;
}

/** What a project used of a meter. Decimal text; gauges have a peak and a time-weighted average. */
export interface PreviewedMeter {
  readonly meter: string;
  readonly unit: string;
  readonly sum: string;
  /** Usage of earlier months that is billed with this one. */
  readonly late: string;
  readonly peak: string | null;
  readonly average: string | null;
}

interface Charged {
  readonly exceededLimits: readonly string[];
  readonly charges: readonly ChargeLine[];
  readonly overageCharge: string;
  readonly currency: string | null;
}

/** What a close would make of a project's month now. */
export interface PreviewedProject extends Charged {
  readonly organization: string;
  readonly project: string;
  readonly tier: string | null;
  readonly meters: readonly PreviewedMeter[];
}

/** What a close would make of the limits of an organization's own scope now. */
export interface PreviewedOrganization extends Charged {
  readonly organization: string;
}

/** usage_monthly as a close would leave it: gauges get their average there. One that was read last holds to the month's end. */
const previewed = (of: (projectId: string) => string): string => `previewed as materialized (
  select project_id, meter_id, $1::timestamptz as month, coalesce(u.organization_id, g.organization_id) as organization_id,
    coalesce(u.sum, 0) as sum, coalesce(u.last, g.last) as last, greatest(u.max, g.peak) as max,
    coalesce(g.average, u.average) as average
  from (select * from usage_monthly m where m.month = $1 and ${of('m.project_id')}) u
  full join ${gaugesOfMonth(of)} g using (project_id, meter_id)
)`;

const CHARGED = `exceeded_limits as "exceededLimits", charges, overage_charge::text as "overageCharge", currency`;

/**
 * Works out what a close would make of a month's projects now. Reads only: hand it a transaction that is read-only and
 * repeatable, and all figures are of one moment.
 */
export async function previewProjects(
  db: Queryable,
  monthMs: number,
  organizationIds: readonly string[],
  onProgress: (projects: number) => void,
): Promise<readonly PreviewedProject[]> {
  const [month, end] = [toTimestamp(monthMs), toTimestamp(monthEnd(monthMs))];
  const { rows: all } = await db.query<{ id: string }>(
    `select p.id from projects p where p.organization_id = any($2::bigint[]) and ${IS_OF_MONTH}
     order by p.organization_id, p.id`,
    [month, organizationIds],
  );
  const projects: PreviewedProject[] = [];
  for (let from = 0; from < all.length; from += PROJECTS_A_CHUNK) {
    const ids = all.slice(from, from + PROJECTS_A_CHUNK).map(({ id }) => id);
    const { rows } = await db.query<PreviewedProject>(PROJECTS, [month, end, ids]);
    projects.push(...rows);
    onProgress(projects.length);
  }
  return projects;
}

const PROJECTS = `with ${previewed((projectId) => `${projectId} = any($3::bigint[])`)}, ${projectCharges('previewed')}, late_of as (
    select a.project_id, a.meter_id, sum(a.sum) as sum
    from usage_adjustments a
    where a.project_id = any($3::bigint[]) and a.billed_month = $1
    group by 1, 2
  ), listed as (
    select project_id, jsonb_agg(jsonb_build_object(
      'meter', m.slug, 'unit', m.unit,
      'sum', trim_scale(coalesce(u.sum, 0))::text, 'late', trim_scale(coalesce(l.sum, 0))::text,
      'peak', case when m.kind = 'gauge' then trim_scale(u.max)::text end,
      'average', case when m.kind = 'gauge' then trim_scale(u.average)::text end
    ) order by m.slug collate "C") as meters
    from previewed u full join late_of l using (project_id, meter_id) join meters m on m.id = meter_id
    group by project_id
  )
  select o.slug as organization, p.slug as project, c.tier, ${CHARGED}, coalesce(listed.meters, '[]') as meters
  from charged c
  join projects p on p.id = c.project_id
  join organizations o on o.id = c.organization_id
  left join listed on listed.project_id = c.project_id
  order by o.slug, p.slug`;

/** The same of the limits of the organizations' own scope. */
export async function previewOrganizations(
  db: Queryable,
  monthMs: number,
  organizationIds: readonly string[],
): Promise<readonly PreviewedOrganization[]> {
  const { rows } = await db.query<PreviewedOrganization>(
    `with ${previewed((projectId) => `${projectId} in (select id from projects where organization_id = any($3::bigint[]))`)},
     ${organizationCharges('previewed')}
     select o.slug as organization, ${CHARGED}
     from charged c join organizations o on o.id = c.organization_id
     order by o.slug`,
    [toTimestamp(monthMs), toTimestamp(monthEnd(monthMs)), organizationIds],
  );
  return rows;
}
