import { lockDays } from '../advisory-locks.ts';
import { inTransaction, type Pool, type Transaction } from '../pool.ts';

/** Projects of one day that a transaction refreshes: a few ten thousand rows, well below a second. */
const PROJECTS_A_TRANSACTION = 2_000;

/** Gauges that are read; a gauge that events feed has no value between them, and devices are counted, not read. */
const READ_GAUGES = `select id from meters where kind = 'gauge' and owner <> 'events' and id not in (19, 20)`;

const DAY_START = `$1::date::timestamp at time zone 'UTC'`;
const DAY_END = `($1::date + 1)::timestamp at time zone 'UTC'`;

/**
 * Computes some of the changed days anew from their hours. One transaction: what it has read is written, and its marks are
 * gone, or nothing of it has happened. Days of final months are left alone, since their hours do not change.
 *
 * @param round marks below it may be worked off (beginRound).
 * @returns how many days of projects were refreshed; 0 when none is left.
 */
export async function refreshSomeDays(pool: Pool, round: string): Promise<number> {
  return inTransaction(pool, async (transaction) => {
    await lockDays(transaction);
    const { rows } = await transaction.query<{ day: string; projects: string[] }>(
      `with candidates as (
         select c.day, c.project_id from changed_days c
         where c.round < $1 and not exists (
           select from projects p join periods f on f.organization_id = p.organization_id
           where p.id = c.project_id and f.state = 'final'
             and f.month = date_trunc('month', c.day::timestamp) at time zone 'UTC'
         )
       )
       select day::text, array_agg(project_id::text) as projects
       from (
         select distinct day, project_id from candidates where day = (select min(day) from candidates)
         order by project_id limit $2
       ) chosen
       group by day`,
      [round, PROJECTS_A_TRANSACTION],
    );
    const [some] = rows;
    if (some === undefined) return 0;
    await refreshDay(transaction, some.day, some.projects, round);
    return some.projects.length;
  });
}

/**
 * Computes a day of some projects from its hours, carries gauges into it that were not read, and takes their marks away.
 * Demands lockDays, and that no hour of the day is written by a transaction that has marked it below `round`.
 */
export async function refreshDay(
  transaction: Transaction,
  day: string,
  projectIds: readonly string[],
  round: string,
): Promise<void> {
  await transaction.query(
    'delete from changed_days where day = $1 and project_id = any($2::bigint[]) and round < $3',
    [day, projectIds, round],
  );
  const counted = await transaction.query<GaugeChange>(
    `insert into usage_daily as t
       (project_id, day, meter_id, organization_id, sum, count, min, max, last, last_at)
     select h.project_id, $1, h.meter_id, h.organization_id, sum(h.sum), sum(h.count), min(h.min), max(h.max),
       (array_agg(h.last order by h.last_at desc nulls last, h.last desc nulls last))[1], max(h.last_at)
     from usage_hourly h
     where h.project_id = any($2::bigint[]) and h.hour >= ${DAY_START} and h.hour < ${DAY_END}
     group by h.project_id, h.meter_id, h.organization_id
     order by 1, 3
     on conflict (project_id, day, meter_id) do update
     set sum = excluded.sum, count = excluded.count, min = excluded.min, max = excluded.max, last = excluded.last,
       last_at = excluded.last_at
     where (t.sum, t.count, t.min, t.max, t.last, t.last_at) is distinct from
       (excluded.sum, excluded.count, excluded.min, excluded.max, excluded.last, excluded.last_at)
     returning project_id as "projectId", meter_id in (${READ_GAUGES}) as "isGauge"`,
    [day, projectIds],
  );
  await countDevices(transaction, day, projectIds);
  const carried = await carryGauges(transaction, day, projectIds);
  const changed = [...counted.rows.filter(({ isGauge }) => isGauge), ...carried];
  await markNextDay(transaction, day, [...new Set(changed.map((row) => row.projectId))]);
}

interface GaugeChange {
  readonly projectId: string;
  readonly isGauge: boolean;
}

/** Devices known at the end of the day, and those that were active on it. */
export async function countDevices(
  transaction: Transaction,
  day: string,
  projectIds: readonly string[],
): Promise<void> {
  await transaction.query(
    `insert into usage_daily as t (project_id, day, meter_id, organization_id, sum, count, last)
     select p.id, $1, n.meter_id, p.organization_id, 0, 0, n.devices
     from (
       select v.project_id, 19::smallint as meter_id, count(*) as devices
       from devices v
       where v.project_id = any($2::bigint[]) and v.first_seen_at < ${DAY_END}
       group by v.project_id
       union all
       select a.project_id, 20::smallint, count(*)
       from device_days a
       where a.day = ${DAY_START} and a.project_id = any($2::bigint[])
       group by a.project_id
     ) n join projects p on p.id = n.project_id
     order by 1, 3
     on conflict (project_id, day, meter_id) do update set last = excluded.last
     where t.last is distinct from excluded.last`,
    [day, projectIds],
  );
}

/**
 * Gives a day that has had its snapshot the value of the day before for each gauge that was not read on it.
 *
 * @returns which rows changed.
 */
export async function carryGauges(
  transaction: Transaction,
  day: string,
  projectIds: readonly string[],
): Promise<readonly GaugeChange[]> {
  const { rows } = await transaction.query<GaugeChange>(
    `insert into usage_daily as t (project_id, day, meter_id, organization_id, sum, count, last, last_at)
     select y.project_id, $1, y.meter_id, y.organization_id, 0, 0, y.last, y.last_at
     from usage_daily y join projects p on p.id = y.project_id
     where y.day = $1::date - 1 and y.project_id = any($2::bigint[]) and y.meter_id in (${READ_GAUGES})
       and y.last is not null and exists (select from snapshots s where s.day = $1)
       and (p.archived_at is null or p.archived_at >= ${DAY_START})
     order by 1, 3
     on conflict (project_id, day, meter_id) do update set last = excluded.last, last_at = excluded.last_at
     where t.count = 0 and (t.last, t.last_at) is distinct from (excluded.last, excluded.last_at)
     returning project_id as "projectId", true as "isGauge"`,
    [day, projectIds],
  );
  return rows;
}

/**
 * A gauge that has another value at the end of a day has another one in the days it is carried into. Round 0 is below every
 * round: there is no hour to wait for. Demands lockDays.
 */
export async function markNextDay(
  transaction: Transaction,
  day: string,
  projectIds: readonly string[],
): Promise<void> {
  if (projectIds.length === 0) return;
  await transaction.query(
    `insert into changed_days (project_id, day, round)
     select id, $1::date + 1, 0 from unnest($2::bigint[]) as p (id)
     where exists (select from snapshots s where s.day = $1::date + 1)
     order by 1
     on conflict do nothing`,
    [day, projectIds],
  );
}
