import { toTimestamp } from '@odometer/domain/period';
import { lockDays } from '../advisory-locks.ts';
import { inTransaction, type Pool, type Queryable, type Transaction } from '../pool.ts';
import { gaugesOfMonth } from './gauges-of-month.ts';
import { IS_OF_MONTH, MONTH_END } from './month-conditions.ts';
import { refreshDay } from './refresh-days.ts';
import { adjustmentHash, dayHash, hourHash, monthHash, otherDaysHash } from './row-hashes.ts';

/** The largest bigint: no round is as large, and nobody marks days of a closing month any more. */
const ANY_ROUND = '9223372036854775807';

export interface UnclosedProject {
  readonly id: string;
  readonly organizationId: string;
}

/** Projects of closing organizations that are not done, in order: those that were there in the month or have usage in it. */
export async function unclosedProjects(
  db: Queryable,
  monthMs: number,
  limit: number,
): Promise<readonly UnclosedProject[]> {
  const { rows } = await db.query<UnclosedProject>(
    `select p.id, p.organization_id as "organizationId"
     from periods f join projects p on p.organization_id = f.organization_id
     where f.month = $1 and f.state = 'closing' and f.held_up_by = '{}'
       and ${IS_OF_MONTH}
       and not exists (select from project_months x where x.project_id = p.id and x.month = $1 and x.final)
     order by p.organization_id, p.id
     limit $2`,
    [toTimestamp(monthMs), limit],
  );
  return rows;
}

/**
 * Projects of organizations whose month is a draft, in the order of their ids.
 *
 * @param after the last one that is done; '0' at first.
 */
export async function draftedProjects(
  db: Queryable,
  monthMs: number,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select p.id
     from projects p join periods f on f.organization_id = p.organization_id and f.month = $1 and f.state = 'draft'
     where p.id > $2 and ${IS_OF_MONTH}
     order by p.id limit $3`,
    [toTimestamp(monthMs), after, limit],
  );
  return rows.map(({ id }) => id);
}

/** Ids of the organizations whose month is a draft. */
export async function draftedOrganizations(
  db: Queryable,
  monthMs: number,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select organization_id as id from periods where month = $1 and state = 'draft' order by 1`,
    [toTimestamp(monthMs)],
  );
  return rows.map(({ id }) => id);
}

/**
 * Takes projects for closing their month, in order, and tells which of them no other worker has closed meanwhile: asked in a
 * statement after the locks, which sees what the other has committed.
 */
export async function lockUnclosed(
  transaction: Transaction,
  monthMs: number,
  projectIds: readonly string[],
): Promise<readonly string[]> {
  await transaction.query(
    'select from projects where id = any($1::bigint[]) order by id for no key update',
    [projectIds],
  );
  const { rows } = await transaction.query<{ id: string }>(
    `select id from unnest($2::bigint[]) as p (id)
     where not exists (select from project_months x where x.project_id = p.id and x.month = $1 and x.final)`,
    [toTimestamp(monthMs), projectIds],
  );
  return rows.map(({ id }) => id);
}

/**
 * Computes what is still marked of these projects' days in the month, the earliest first: a day that has another value of a
 * gauge marks the next one. A transaction of its own, because it holds up whoever else refreshes days.
 */
export async function refreshMonth(
  pool: Pool,
  monthMs: number,
  projectIds: readonly string[],
): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    const earliest = () =>
      transaction.query<{ day: string; projects: string[] }>(
        `select day::text, array_agg(distinct project_id::text) as projects
         from changed_days
         where project_id = any($2::bigint[]) and day >= ($1::timestamptz at time zone 'UTC')::date
           and day < (${MONTH_END} at time zone 'UTC')::date
         group by day order by day limit 1`,
        [toTimestamp(monthMs), projectIds],
      );
    // Nearly always there is nothing, and then there is nothing to wait for.
    if ((await earliest()).rowCount === 0) return;
    await lockDays(transaction);
    for (;;) {
      const { rows } = await earliest();
      const [marked] = rows;
      if (marked === undefined) return;
      await refreshDay(transaction, marked.day, marked.projects, ANY_ROUND);
    }
  });
}

/** Works out the gauges of these projects' month. */
export async function averageGauges(
  transaction: Transaction,
  monthMs: number,
  projectIds: readonly string[],
): Promise<void> {
  await transaction.query(
    `insert into usage_monthly as t
       (project_id, meter_id, month, organization_id, sum, count, max, last, last_at, average)
     select g.project_id, g.meter_id, $1, g.organization_id, 0, 0, g.peak, g.last, g.last_at, g.average
     from ${gaugesOfMonth((projectId) => `${projectId} = any($2::bigint[])`)} g
     order by 1, 2
     on conflict (project_id, meter_id, month) do update
     set average = excluded.average, max = excluded.max
     where not t.final`,
    [toTimestamp(monthMs), projectIds],
  );
}

/** A month that is not the sum of its parts. Decimal text; null where there is no row. */
export interface Discrepancy {
  readonly organizationId: string;
  readonly projectId: string;
  readonly project: string;
  readonly meter: string;
  readonly hours: string | null;
  readonly days: string | null;
  readonly month: string | null;
}

/**
 * Compares each month's row with its hours and its days, and freezes those that are equal, with the lifetime and the
 * hashes of the rows they come from. A project of which one meter differs is not frozen at all.
 *
 * @returns what differs.
 */
export async function freezeUsage(
  transaction: Transaction,
  monthMs: number,
  projectIds: readonly string[],
): Promise<readonly Discrepancy[]> {
  const { rows } = await transaction.query<Discrepancy>(
    `with h as (
       select h.project_id, h.meter_id, sum(h.sum) as sum, sum(h.count) as count, min(h.min) as min, max(h.max) as max,
         max(h.last_at) as last_at, count(*) as rows, sum(${hourHash('h')}) as hash
       from usage_hourly h
       where h.project_id = any($2::bigint[]) and h.hour >= $1 and h.hour < ${MONTH_END}
       group by 1, 2
     ), d as (
       select d.project_id, d.meter_id, sum(d.sum) as sum, sum(d.count) as count, sum(${dayHash('d')}) as hash
       from usage_daily d
       where d.project_id = any($2::bigint[]) and d.day >= ($1::timestamptz at time zone 'UTC')::date
         and d.day < (${MONTH_END} at time zone 'UTC')::date
       group by 1, 2
     ), m as (
       select * from usage_monthly m where m.project_id = any($2::bigint[]) and m.month = $1
     ), compared as materialized (
       select project_id, meter_id, h.sum as hours, d.sum as days, m.sum as month,
         h.rows, h.hash as hours_hash, d.hash as days_hash,
         (coalesce(h.sum, 0), coalesce(h.count, 0)) is not distinct from (coalesce(d.sum, 0), coalesce(d.count, 0))
           and (coalesce(h.sum, 0), coalesce(h.count, 0)) is not distinct from (coalesce(m.sum, 0), coalesce(m.count, 0))
           and (h.rows is null or (h.min, h.max) is not distinct from (m.min, m.max) and h.last_at is not distinct from m.last_at
             or m.average is not null) as equal
       from h full join d using (project_id, meter_id) full join m using (project_id, meter_id)
     ), different as (
       select * from compared where not equal
     ), later as materialized (
       -- Earlier months that were not final yet when this one began to close. None, but for usage that comes meanwhile for
       -- a month that had no row in periods; verify decides by the same rule.
       select e.organization_id, e.month
       from periods c join periods e on e.organization_id = c.organization_id and e.month < c.month
       where c.month = $1 and (e.final_act is null or e.final_act > c.closing_act)
         and c.organization_id in (select p.organization_id from projects p where p.id = any($2::bigint[]))
     ), others as (
       -- Days of meters that have no month of their own: devices, which are counted by the day.
       insert into project_months as x (project_id, month, organization_id, other_days_hash)
       select d.project_id, $1, p.organization_id, sum(${otherDaysHash('d')})
       from d join projects p on p.id = d.project_id left join m using (project_id, meter_id)
       where m.project_id is null
       group by d.project_id, p.organization_id
       on conflict (project_id, month) do update set other_days_hash = excluded.other_days_hash where not x.final
     ), frozen as (
       update usage_monthly t
       set final = true, hours = coalesce(c.rows, 0), hours_hash = coalesce(c.hours_hash, 0),
         days_hash = coalesce(c.days_hash, 0),
         lifetime = t.sum
           + coalesce((select sum(e.sum) from usage_monthly e
               where e.project_id = t.project_id and e.meter_id = t.meter_id and e.month < $1 and e.final
                 and (e.organization_id, e.month) not in (select organization_id, month from later)), 0)
           + coalesce((select sum(a.sum) from usage_adjustments a
               where a.project_id = t.project_id and a.meter_id = t.meter_id and a.billed_month <= $1), 0)
       from compared c
       where t.project_id = c.project_id and t.meter_id = c.meter_id and t.month = $1 and not t.final
         and t.project_id not in (select x.project_id from different x)
     )
     select p.organization_id as "organizationId", p.id as "projectId", o.slug || '/' || p.slug as project, m.slug as meter,
       x.hours::text, x.days::text, x.month::text
     from different x join projects p on p.id = x.project_id join organizations o on o.id = p.organization_id
     join meters m on m.id = x.meter_id
     order by x.project_id, x.meter_id`,
    [toTimestamp(monthMs), projectIds],
  );
  return rows;
}

/** Marks the projects' months as done; their charges are written, and the adjustments they are billed for known. */
export async function freezeProjects(
  transaction: Transaction,
  monthMs: number,
  projectIds: readonly string[],
): Promise<void> {
  await transaction.query(
    `insert into project_months as x (project_id, month, organization_id, usage_hash, adjustments_hash, final)
     select p.id, $1, p.organization_id, coalesce(u.hash, 0), coalesce(a.hash, 0), true
     from projects p left join (
       select a.project_id, sum(${adjustmentHash('a')}) as hash
       from usage_adjustments a
       where a.project_id = any($2::bigint[]) and a.billed_month = $1
       group by 1
     ) a on a.project_id = p.id
     left join (
       select t.project_id, sum(${monthHash('t')}) as hash
       from usage_monthly t
       where t.project_id = any($2::bigint[]) and t.month = $1
       group by 1
     ) u on u.project_id = p.id
     where p.id = any($2::bigint[])
     order by 1
     on conflict (project_id, month) do update set usage_hash = excluded.usage_hash, adjustments_hash = excluded.adjustments_hash,
       final = true`,
    [toTimestamp(monthMs), projectIds],
  );
}
