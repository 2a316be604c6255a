import { monthEnd, toTimestamp } from '@odometer/domain/period';
import type { Queryable, Transaction } from '../pool.ts';
import { planInForce, usersBefore } from './plan-in-force.ts';

/**
 * Columns of what a limit's use makes, of rows that have `quantity`, `included` and `price_per_unit`. Decimals are text:
 * JSON numbers lose digits. Overage is not negative, so `round` rounds halves up.
 */
const LINES = `
  array_agg(resource order by resource collate "C") filter (where quantity > included) as exceeded,
  jsonb_agg(jsonb_build_object(
    'meter', resource,
    'included', trim_scale(included)::text,
    'used', trim_scale(quantity)::text,
    'overage', trim_scale(greatest(quantity - included, 0))::text,
    'price_per_unit', trim_scale(price_per_unit)::text,
    'charge', round(greatest(quantity - included, 0) * price_per_unit)::text
  ) order by resource collate "C") filter (where price_per_unit is not null) as charges,
  sum(round(greatest(quantity - included, 0) * price_per_unit)) as charge`;

/** What a month of a meter bills: what a counter adds up to, the time-weighted average of a gauge. */
const BILLED = `case when m.kind = 'gauge' then coalesce(u.average, u.last) else u.sum end`;

/**
 * What limits of the project scope make of a month, `charged`: a row for each project of $3, for the month that starts at $1
 * and ends at $2.
 */
export const PROJECT_CHARGES = `with ${projectCharges('usage_monthly')}`;

/** The same from another table than usage_monthly, and without the `with`. */
export function projectCharges(usage: string): string {
  return `wanted as materialized (
  select id as project_id, organization_id from projects where id = any($3::bigint[])
), plan_of as materialized (
  select o.organization_id, v.*
  from (select distinct organization_id from wanted) o
  join lateral ${planInForce('o.organization_id', '< $2::timestamptz')} v on true
), limits as materialized (
  select v.organization_id, l.resource, l.included, l.price_per_unit, m.id as meter_id, m.kind
  from plan_of v
  join plan_limits l on l.plan_id = v.plan_id and l.scope = 'project' and l.included is not null
  left join meters m on m.slug = l.resource
), late as materialized (
  select a.project_id, a.meter_id, sum(a.sum) as sum
  from (select distinct organization_id from limits) o
  join usage_adjustments a on a.organization_id = o.organization_id and a.billed_month = $1
    and a.project_id in (select project_id from wanted)
  group by a.project_id, a.meter_id
), used as (
  select w.project_id, l.resource, l.included, l.price_per_unit,
    coalesce(case when l.resource = 'devices' then
        (select count(*) from devices d where d.project_id = w.project_id and d.first_seen_at < $2)
      else ${BILLED.replaceAll('m.kind', 'l.kind')}
    end, 0) + case when l.kind = 'counter' then coalesce(late.sum, 0) else 0 end as quantity
  from wanted w
  join limits l using (organization_id)
  left join ${usage} u on u.project_id = w.project_id and u.meter_id = l.meter_id and u.month = $1
  left join late on late.project_id = w.project_id and late.meter_id = l.meter_id
), made as (
  select project_id, ${LINES} from used group by project_id
), charged as (
  select w.project_id, w.organization_id, v.slug as tier, coalesce(made.exceeded, '{}') as exceeded_limits,
    coalesce(made.charges, '[]') as charges, coalesce(made.charge, 0) as overage_charge, v.currency
  from wanted w
  left join plan_of v using (organization_id)
  left join made using (project_id)
)`;
}

/**
 * What limits of the organization scope make of a month, `charged`: a row for each organization of $3. A project's level below
 * zero takes nothing away from the others'.
 */
export const ORGANIZATION_CHARGES = `with ${organizationCharges('usage_monthly')}`;

/** The same from another table than usage_monthly, and without the `with`. */
export function organizationCharges(usage: string): string {
  return `plan_of as materialized (
  select o.organization_id, v.*
  from unnest($3::bigint[]) as o (organization_id)
  left join lateral ${planInForce('o.organization_id', '< $2::timestamptz')} v on true
), used as (
  select v.organization_id, l.resource, l.included, l.price_per_unit, coalesce(case
      when l.resource = 'users' then ${usersBefore('v.organization_id', '< $2')}
      when l.resource = 'projects' then
        (select count(*) from projects p
         where p.organization_id = v.organization_id and p.created_at < $2
           and (p.archived_at is null or p.archived_at >= $2))
      when l.resource = 'devices' then
        (select count(*) from projects p join devices d on d.project_id = p.id and d.first_seen_at < $2
         where p.organization_id = v.organization_id and p.created_at < $2
           and (p.archived_at is null or p.archived_at >= $2))
      else
        (select sum(case when m.kind = 'gauge' then greatest(${BILLED}, 0) else ${BILLED} end) from ${usage} u
         where u.organization_id = v.organization_id and u.month = $1 and u.meter_id = m.id)
    end, 0) + case when m.kind = 'counter' then coalesce(
      (select sum(a.sum) from usage_adjustments a
       where a.organization_id = v.organization_id and a.billed_month = $1 and a.meter_id = m.id), 0)
    else 0 end as quantity
  from plan_of v
  join plan_limits l on l.plan_id = v.plan_id and l.scope = 'organization' and l.included is not null
  left join meters m on m.slug = l.resource
), made as (
  select organization_id, ${LINES} from used group by organization_id
), charged as (
  select v.organization_id, coalesce(made.charges, '[]') as charges, coalesce(made.charge, 0) as overage_charge,
    v.currency, coalesce(made.exceeded, '{}') as exceeded_limits
  from plan_of v left join made using (organization_id)
)`;
}

/**
 * Works out what limits of the project scope make of a month: tier, exceeded limits and charges, for every project given,
 * by the plan and version that was in force at the month's last instant. Final rows stay as they are.
 *
 * Call it once the month's sums and averages are final, or again whenever they changed.
 *
 * @param request.month start of the month, milliseconds since the epoch.
 */
export async function writeProjectCharges(
  transaction: Transaction,
  { month, projectIds }: { readonly month: number; readonly projectIds: readonly string[] },
): Promise<void> {
  await transaction.query(
    `${PROJECT_CHARGES}
     insert into project_months
       (project_id, month, organization_id, tier, exceeded_limits, charges, overage_charge, currency)
     select project_id, $1, organization_id, tier, exceeded_limits, charges, overage_charge, currency
     from charged order by project_id
     on conflict (project_id, month) do update set
       tier = excluded.tier, exceeded_limits = excluded.exceeded_limits, charges = excluded.charges,
       overage_charge = excluded.overage_charge, currency = excluded.currency
     where not project_months.final`,
    [toTimestamp(month), toTimestamp(monthEnd(month)), projectIds],
  );
}

/**
 * Works out what limits of the organization scope make of a month, and writes it into the organizations' periods, which
 * must be there; final ones stay as they are. Projects, devices and users are those at the month's end.
 *
 * @param request.month start of the month, milliseconds since the epoch.
 */
export async function writeOrganizationCharges(
  transaction: Transaction,
  {
    month,
    organizationIds,
  }: { readonly month: number; readonly organizationIds: readonly string[] },
): Promise<void> {
  await transaction.query(
    `${ORGANIZATION_CHARGES}
     update periods p set
       charges = c.charges, overage_charge = c.overage_charge, currency = c.currency, exceeded_limits = c.exceeded_limits
     from charged c
     where p.organization_id = c.organization_id and p.month = $1 and p.state <> 'final'`,
    [toTimestamp(month), toTimestamp(monthEnd(month)), organizationIds],
  );
}

/** A plan as a month was billed by it, for the manifest. Decimals are text. */
export interface PlanAsUsed {
  readonly plan: string;
  readonly version: number;
  readonly currency: string;
  readonly limits: readonly {
    readonly meter: string;
    readonly scope: 'organization' | 'project';
    readonly included: string | null;
    readonly hard: boolean;
    readonly price_per_unit: string | null;
  }[];
}

/** The plans that bill a month, by organization id; an organization without a plan is not in it. */
export async function planAsUsed(
  db: Queryable,
  month: number,
  organizationIds: readonly string[],
): Promise<ReadonlyMap<string, PlanAsUsed>> {
  const { rows } = await db.query<PlanAsUsed & { organization_id: string }>(
    `select o.organization_id::text, v.slug as plan, v.version, v.currency, coalesce((
       select json_agg(json_build_object(
         'meter', l.resource, 'scope', l.scope, 'included', trim_scale(l.included)::text, 'hard', l.hard,
         'price_per_unit', trim_scale(l.price_per_unit)::text
       ) order by l.resource collate "C", l.scope collate "C")
       from plan_limits l where l.plan_id = v.plan_id
     ), '[]') as limits
     from unnest($2::bigint[]) as o (organization_id)
     join lateral ${planInForce('o.organization_id', '< $1::timestamptz')} v on true`,
    [toTimestamp(monthEnd(month)), organizationIds],
  );
  return new Map(rows.map(({ organization_id, ...plan }) => [organization_id, plan]));
}
