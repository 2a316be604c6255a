import { monthEnd, toTimestamp } from '@odometer/domain/period';
import { type EventMeter, listEventMeters } from '../meters/catalogue.ts';
import type { Queryable } from '../pool.ts';
import { eventQuantity } from '../query/event-quantity.ts';
import { eventsOfMeter } from '../query/events-of-meter.ts';
import { eventsKeptFrom } from '../query/query-facts.ts';
import { SqlParameters } from '../query/sql-parameters.ts';
import type { Difference } from './verify-projects.ts';

/** Meters whose months can be counted again from the events; none when the month's events are not kept. */
export async function verifiableMeters(
  db: Queryable,
  monthMs: number,
): Promise<readonly EventMeter[]> {
  if ((await eventsKeptFrom(db)) > monthMs) return [];
  const meters = await listEventMeters(db);
  return meters.filter(({ aggregation }) => aggregation !== 'unique_count');
}

/**
 * Counts a final month of some projects again from its events, hour by hour: together they are what the hours and their
 * adjustments have. The first hour that differs is told of each project. A meter that is younger than the close has no part in it.
 */
export async function verifyEvents(
  db: Queryable,
  monthMs: number,
  projectIds: readonly string[],
  meters: readonly EventMeter[],
): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  for (const meter of meters) {
    const parameters = new SqlParameters();
    const from = parameters.add(toTimestamp(monthMs), 'timestamptz');
    const to = parameters.add(toTimestamp(monthEnd(monthMs)), 'timestamptz');
    const projects = parameters.add(projectIds, 'bigint[]');
    const id = parameters.add(meter.id, 'smallint');
    const ofMeter = eventsOfMeter(meter, parameters);
    const quantity = eventQuantity(meter, parameters);
    const { rows } = await db.query<Difference>(
      `with e as (
         select q.project_id, q.hour, sum(q.quantity) as sum, count(q.quantity) as count
         from (
           select u.project_id, date_trunc('hour', u.time, 'UTC') as hour, ${quantity} as quantity from events u
           where u.project_id = any(${projects}) and u.time >= ${from} and u.time < ${to} and ${ofMeter}
         ) q
         group by 1, 2
       ), h as (
         select r.project_id, r.hour, sum(r.sum) as sum, sum(r.count) as count
         from (
           select project_id, hour, sum, count from usage_hourly
           where project_id = any(${projects}) and hour >= ${from} and hour < ${to} and meter_id = ${id}
           union all
           select project_id, hour, sum, count from usage_adjustments
           where project_id = any(${projects}) and hour >= ${from} and hour < ${to} and meter_id = ${id}
         ) r
         group by 1, 2
       )
       select distinct on (project_id) o.slug as organization, p.slug as project, t.slug as meter, 'events' as compared,
         to_char(hour at time zone 'UTC', 'YYYY-MM-DD HH24:00: ') || coalesce(h.sum::text, 'none') as stored,
         coalesce(e.sum::text, 'none') as found
       from e full join h using (project_id, hour) join projects p on p.id = project_id
       join organizations o on o.id = p.organization_id join meters t on t.id = ${id}
       join periods f on f.organization_id = o.id and f.month = ${from} and f.closing_at > t.counted_back_at
       where (coalesce(e.sum, 0), coalesce(e.count, 0)) is distinct from (coalesce(h.sum, 0), coalesce(h.count, 0))
       order by project_id, hour`,
      parameters.values,
    );
    differences.push(...rows);
  }
  return differences;
}
