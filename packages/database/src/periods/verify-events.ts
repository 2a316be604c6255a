import { monthEnd, toTimestamp } from '@odometer/domain/period';
import { type EventMeter, listEventMeters } from '../meters/catalogue.ts';
import type { Queryable } from '../pool.ts';
import { eventQuantity } from '../query/event-quantity.ts';
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
 * Counts a final month of some projects again from its events: together they are what the month and the adjustments of its
 * hours have. A meter that is younger than the close has no part in it.
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
    const type = parameters.add(meter.eventType, 'text');
    const quantity = eventQuantity(meter, parameters);
    const { rows } = await db.query<Difference>(
      `with e as (
         select q.project_id, sum(q.quantity) as sum, count(q.quantity) as count
         from (
           select u.project_id, ${quantity} as quantity from events u
           where u.project_id = any(${projects}) and u.time >= ${from} and u.time < ${to} and u.type = ${type}
         ) q
         group by 1
       ), m as (
         select r.project_id, sum(r.sum) as sum, sum(r.count) as count
         from (
           select project_id, sum, count from usage_monthly
           where project_id = any(${projects}) and month = ${from} and meter_id = ${id}
           union all
           select project_id, sum, count from usage_adjustments
           where project_id = any(${projects}) and hour >= ${from} and hour < ${to} and meter_id = ${id}
         ) r
         group by 1
       )
       select o.slug as organization, p.slug as project, t.slug as meter, 'events' as compared, m.sum::text as stored,
         e.sum::text as found
       from e full join m using (project_id) join projects p on p.id = project_id
       join organizations o on o.id = p.organization_id join meters t on t.id = ${id}
       join periods f on f.organization_id = o.id and f.month = ${from} and f.closing_at > t.counted_back_at
       where (coalesce(e.sum, 0), coalesce(e.count, 0)) is distinct from (coalesce(m.sum, 0), coalesce(m.count, 0))
       order by project_id`,
      parameters.values,
    );
    differences.push(...rows);
  }
  return differences;
}
