import { monthEnd, toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';
import type { QueriedMeter } from './queried-meter.ts';

/** Since when raw events are kept; -Infinity while all are. */
export async function eventsKeptFrom(db: Queryable): Promise<number> {
  // pg makes a number of an infinite instant.
  const { rows } = await db.query<{ keptFrom: Date | number }>(
    'select kept_from as "keptFrom" from event_retention',
  );
  return Number(rows[0]?.keptFrom ?? Number.NEGATIVE_INFINITY);
}

/**
 * Months that were closed for one of the organizations before the meter was counted back: what came before the meter is not
 * in their sums, and never will be.
 *
 * @param organizationIds null: all.
 */
export async function monthsOfEvents(
  db: Queryable,
  meterId: number,
  organizationIds: readonly string[] | null,
): Promise<readonly { readonly startMs: number; readonly endMs: number }[]> {
  const { rows } = await db.query<{ month: Date }>(
    `select distinct p.month
     from periods p join meters m on m.id = $1
     where p.state in ('closing', 'final') and p.closing_at <= m.counted_back_at
       and ($2::bigint[] is null or p.organization_id = any ($2))
     order by 1`,
    [meterId, organizationIds],
  );
  return rows.map(({ month }) => ({
    startMs: month.getTime(),
    endMs: monthEnd(month.getTime()),
  }));
}

/** A range that holds all of a meter's usage; undefined when there is none. */
export async function extentOfUsage(
  db: Queryable,
  meter: QueriedMeter,
  organizationIds: readonly string[] | null,
): Promise<{ readonly fromMs: number; readonly toMs: number } | undefined> {
  if (meter.countingBack) {
    const { rows } = await db.query<{ first: Date | null; last: Date | null }>(
      `select min(time) as first, max(time) as last from events
       where type = $1 and ($2::bigint[] is null or organization_id = any ($2))`,
      [meter.eventType, organizationIds],
    );
    const { first, last } = rows[0] ?? {};
    if (!(first && last)) return undefined;
    return { fromMs: first.getTime(), toMs: last.getTime() + 1 };
  }
  // Usage that was counted back into a month closed before is in no sum; its event's month has no other trace.
  const { rows } = await db.query<{ first: Date | null; last: Date | null }>(
    `select min(month) as first, max(month) as last from (
       select min(month) as month from usage_monthly where meter_id = $1 and ($2::bigint[] is null or organization_id = any ($2))
       union all
       select max(month) from usage_monthly where meter_id = $1 and ($2::bigint[] is null or organization_id = any ($2))
       union all
       select unnest(array[min(hour), max(hour)]) from usage_adjustments
       where meter_id = $1 and ($2::bigint[] is null or organization_id = any ($2))
       union all
       select p.month from periods p join meters m on m.id = $1
       where p.state in ('closing', 'final') and p.closing_at <= m.counted_back_at
         and ($2::bigint[] is null or p.organization_id = any ($2))
     ) u`,
    [meter.id, organizationIds],
  );
  const { first, last } = rows[0] ?? {};
  if (!(first && last)) return undefined;
  return { fromMs: first.getTime(), toMs: monthEnd(last.getTime()) };
}

/** As many changed days are looked up in a tenth of a second. */
const FEW_CHANGED_DAYS = 1_000;

/**
 * Whether to read days: a changed one has to be looked up among the hours, at the cost of reading some four unchanged ones'
 * hours in passing. So when most are changed, as after a first load, hours alone are faster.
 *
 * @param projectIds null: all.
 */
export async function areDaysFaster(
  db: Queryable,
  meterId: number,
  range: { readonly fromMs: number; readonly toMs: number },
  organizationIds: readonly string[] | null,
  projectIds: readonly string[] | null,
): Promise<boolean> {
  const { rows } = await db.query<{ areFaster: boolean }>(
    `select c.days <= ${FEW_CHANGED_DAYS} or 4 * c.days <= (
       select count(*) from (
         select from usage_daily d
         where c.days > ${FEW_CHANGED_DAYS} and d.meter_id = $1 and d.day >= $2::date and d.day < $3::date
           and ($4::bigint[] is null or d.organization_id = any ($4)) and ($5::bigint[] is null or d.project_id = any ($5))
         limit 4 * c.days
       ) d
     ) as "areFaster"
     from (
       select count(*) as days from changed_days
       where day >= $2::date and day < $3::date
         and ($4::bigint[] is null or project_id in (select id from projects where organization_id = any ($4)))
         and ($5::bigint[] is null or project_id = any ($5))
     ) c`,
    [
      meterId,
      toTimestamp(range.fromMs).slice(0, 10),
      toTimestamp(range.toMs).slice(0, 10),
      organizationIds,
      projectIds,
    ],
  );
  return rows[0]?.areFaster === true;
}
