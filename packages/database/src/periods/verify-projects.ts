import { monthEnd, toTimestamp } from '@odometer/domain/period';
import { PROJECT_CHARGES } from '../limits/charges.ts';
import type { Queryable } from '../pool.ts';
import { gaugesOfMonth } from './gauges-of-month.ts';
import { adjustmentHash, dayHash, hourHash, monthHash, otherDaysHash } from './row-hashes.ts';

/** What was compared with what the close has stored. */
export type Compared =
  | 'hours'
  | 'days'
  | 'month'
  | 'lifetime'
  | 'gauges'
  | 'charges'
  | 'adjustments'
  | 'events'
  | 'manifest';

/** Something that is not as the close has stored it. */
export interface Difference {
  readonly organization: string;
  /** Slug; null when the organization's whole month differs. */
  readonly project: string | null;
  readonly meter: string | null;
  readonly compared: Compared;
  readonly stored: string | null;
  readonly found: string | null;
}

const NAMES = `o.slug as organization, p.slug as project`;
const NAMED = `join projects p on p.id = x.project_id join organizations o on o.id = p.organization_id`;
const DAY_RANGE = `between ($1::timestamptz at time zone 'UTC')::date and ($2::timestamptz at time zone 'UTC')::date - 1`;

/** Compares the frozen months of some projects with the hours, days, adjustments and plans they were made of. */
export async function verifyProjects(
  db: Queryable,
  monthMs: number,
  projectIds: readonly string[],
): Promise<readonly Difference[]> {
  const values = [toTimestamp(monthMs), toTimestamp(monthEnd(monthMs)), projectIds];
  const differences: Difference[] = [];
  for (const text of [SUMS, DAYS, PROJECT_ROWS, GAUGES, CHARGES]) {
    const { rows } = await db.query<Difference>(text, values);
    differences.push(...rows);
  }
  return differences;
}

/**
 * Months against their hours: the sums, and the hash of the hours, which finds a change that leaves the sum as it is. The
 * lifetime against all months that were final when this one was closed.
 */
const SUMS = `
  with h as (
    select h.project_id, h.meter_id, sum(h.sum) as sum, sum(h.count) as count, count(*) as rows, sum(${hourHash('h')}) as hash
    from usage_hourly h
    where h.project_id = any($3::bigint[]) and h.hour >= $1 and h.hour < $2
    group by 1, 2
  ), m as (
    select * from usage_monthly m where m.project_id = any($3::bigint[]) and m.month = $1
  ), x as (
    select project_id, meter_id, m.sum as month, h.sum as hours, m.lifetime, m.hours_hash, h.hash,
      (coalesce(m.sum, 0), coalesce(m.count, 0)) is distinct from (coalesce(h.sum, 0), coalesce(h.count, 0))
        or m.final is not true as month_differs,
      coalesce(m.hours_hash, 0) <> coalesce(h.hash, 0) or coalesce(m.hours, 0) <> coalesce(h.rows, 0) as hours_differ,
      m.sum
        + coalesce((select sum(e.sum) from usage_monthly e join periods f using (organization_id, month)
            where e.project_id = m.project_id and e.meter_id = m.meter_id and e.month < $1
              and f.final_act < (select c.closing_act from periods c
                where c.organization_id = m.organization_id and c.month = $1)), 0)
        + coalesce((select sum(a.sum) from usage_adjustments a
            where a.project_id = m.project_id and a.meter_id = m.meter_id and a.billed_month <= $1), 0) as lifetime_found
    from m full join h using (project_id, meter_id)
  )
  select ${NAMES}, t.slug as meter, d.compared, d.stored, d.found
  from x ${NAMED} join meters t on t.id = x.meter_id
  cross join lateral (
    select 'month' as compared, x.month::text as stored, x.hours::text as found where x.month_differs
    union all
    select 'hours', x.hours_hash::text, x.hash::text where x.hours_differ and not x.month_differs
    union all
    select 'lifetime', x.lifetime::text, x.lifetime_found::text where x.lifetime is distinct from x.lifetime_found
  ) d
  order by x.project_id, x.meter_id`;

/** Days against the hash of them, and each day against its hours. */
const DAYS = `
  with h as (
    select h.project_id, h.meter_id, (h.hour at time zone 'UTC')::date as day, sum(h.sum) as sum, sum(h.count) as count
    from usage_hourly h
    where h.project_id = any($3::bigint[]) and h.hour >= $1 and h.hour < $2
    group by 1, 2, 3
  ), d as (
    select * from usage_daily d where d.project_id = any($3::bigint[]) and d.day ${DAY_RANGE}
  ), hashed as (
    select d.project_id, d.meter_id, sum(${dayHash('d')}) as hash from d group by 1, 2
  ), x as (
    select project_id, meter_id, d.day::text || ': ' || coalesce(d.sum::text, 'none') as stored, coalesce(h.sum::text, 'none') as found
    from d full join h using (project_id, meter_id, day)
    where (coalesce(d.sum, 0), coalesce(d.count, 0)) is distinct from (coalesce(h.sum, 0), coalesce(h.count, 0))
    union all
    select project_id, meter_id, m.days_hash::text, hashed.hash::text
    from usage_monthly m left join hashed using (project_id, meter_id)
    where m.month = $1 and m.project_id = any($3::bigint[])
      and coalesce(m.days_hash, 0) <> coalesce(hashed.hash, 0)
    union all
    select f.project_id, null, f.other_days_hash::text, others.hash::text
    from project_months f left join (
      select hashed.project_id, sum(${otherDaysHash('hashed')}) as hash
      from hashed left join usage_monthly m
        on m.project_id = hashed.project_id and m.meter_id = hashed.meter_id and m.month = $1
      where m.project_id is null
      group by 1
    ) others on others.project_id = f.project_id
    where f.month = $1 and f.project_id = any($3::bigint[])
      and coalesce(f.other_days_hash, 0) <> coalesce(others.hash, 0)
  )
  select ${NAMES}, t.slug as meter, 'days' as compared, x.stored, x.found
  from x ${NAMED} left join meters t on t.id = x.meter_id
  order by x.project_id, x.meter_id`;

/** The hashes that a project's row keeps of its months' rows and its adjustments. */
const PROJECT_ROWS = `
  with x as (
    select f.project_id, coalesce(f.usage_hash, 0) as usage_stored, coalesce(f.adjustments_hash, 0) as adjustments_stored,
      coalesce((select sum(${monthHash('m')}) from usage_monthly m
        where m.project_id = f.project_id and m.month = $1), 0) as usage_found,
      coalesce((select sum(${adjustmentHash('a')}) from usage_adjustments a
        where a.project_id = f.project_id and a.billed_month = $1 and a.hour < $2), 0) as adjustments_found
    from project_months f
    where f.project_id = any($3::bigint[]) and f.month = $1
  )
  select ${NAMES}, null as meter, d.compared, d.stored, d.found
  from x ${NAMED}
  cross join lateral (
    select 'month' as compared, x.usage_stored::text as stored, x.usage_found::text as found
    where x.usage_stored <> x.usage_found
    union all
    select 'adjustments', x.adjustments_stored::text, x.adjustments_found::text
    where x.adjustments_stored <> x.adjustments_found
  ) d
  order by x.project_id`;

/** Averages and peaks against the readings, without those that came later. */
const GAUGES = `
  with g as (
    select * from ${gaugesOfMonth((projectId) => `${projectId} = any($3::bigint[])`)} g
  ), m as (
    select * from usage_monthly m where m.project_id = any($3::bigint[]) and m.month = $1 and m.average is not null and $2 > $1
  ), x as (
    select project_id, meter_id, m.average as stored, g.average as found
    from m full join g using (project_id, meter_id)
    where (m.average, m.max) is distinct from (g.average, g.peak)
  )
  select ${NAMES}, t.slug as meter, 'gauges' as compared, x.stored::text, x.found::text
  from x ${NAMED} join meters t on t.id = x.meter_id
  order by x.project_id, x.meter_id`;

/** What the plan of that month makes of it now. */
const CHARGES = `${PROJECT_CHARGES}
  select ${NAMES}, null as meter, 'charges' as compared,
    jsonb_build_array(f.tier, f.exceeded_limits, f.overage_charge, f.currency, f.charges)::text as stored,
    jsonb_build_array(x.tier, x.exceeded_limits, x.overage_charge, x.currency, x.charges)::text as found
  from charged x ${NAMED} left join project_months f on f.project_id = x.project_id and f.month = $1
  where (f.tier, f.exceeded_limits, f.overage_charge, f.currency, f.charges) is distinct from
    (x.tier, x.exceeded_limits, x.overage_charge, x.currency, x.charges)
  order by x.project_id`;
