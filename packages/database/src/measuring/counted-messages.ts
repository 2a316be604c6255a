import type { Queryable } from '../pool.ts';

/** mqtt_inbound and mqtt_outbound. */
const MESSAGE_METERS = '(1, 4)';

/**
 * Messages of everybody, by hour, as decimal text: in hours, in adjustments that name them, and kept for names without a
 * project.
 *
 * @param from start of the first hour, and `to` the end of the last.
 * @returns by the start of the hour, milliseconds; an hour without any is not there.
 */
export async function messagesOfHours(
  db: Queryable,
  from: Date,
  to: Date,
): Promise<ReadonlyMap<number, string>> {
  // Project by project: the primary key serves no other order.
  const { rows } = await db.query<{ hour: Date; messages: string }>(
    `select hour, trim_scale(sum(sum))::text as messages from (
       select h.hour, h.sum from projects p cross join lateral (
         select u.hour, sum(u.sum) as sum from usage_hourly u
         where u.project_id = p.id and u.meter_id in ${MESSAGE_METERS} and u.hour >= $1 and u.hour < $2
         group by u.hour
       ) h
       union all
       select a.hour, a.sum from usage_adjustments a
       where a.meter_id in ${MESSAGE_METERS} and a.hour >= $1 and a.hour < $2 and a.project_id in (select id from projects)
       union all
       select n.hour, n.sum from unattributed_usage n
       where n.device = '' and n.meter_id in ${MESSAGE_METERS} and n.hour >= $1 and n.hour < $2
     ) counted
     group by hour`,
    [from, to],
  );
  return new Map(rows.map(({ hour, messages }) => [hour.getTime(), messages]));
}

/** Running totals of counters, decimal text. They never fall, but where a database was restored. */
export interface CountedMessages {
  readonly accepted: string;
  /** Among them those that the broker sent again. */
  readonly rejected: string;
}

/**
 * What counters have counted since there are any, by their own running totals: of each epoch the higher of what the counter
 * itself says is durable, about once a second, and what its newest applied flush says. Holes between are under way.
 *
 * @param sources null: all counters.
 */
export async function messagesEverCounted(
  db: Queryable,
  sources: readonly string[] | null,
): Promise<CountedMessages> {
  const { rows } = await db.query<CountedMessages>(
    `select coalesce(sum(greatest(e.accepted, e.through_accepted, b.accepted)), 0)::text as accepted,
       coalesce(sum(greatest(e.rejected, e.through_rejected, b.rejected)), 0)::text as rejected
     from sources s
     join source_epochs e on e.source = s.source
     left join lateral (
       select accepted, rejected from applied_batches b where b.epoch = e.epoch order by b.seq desc limit 1
     ) b on true
     where s.kind = 'mqtt' and ($1::text[] is null or s.source = any($1))`,
    [sources],
  );
  return rows[0] ?? { accepted: '0', rejected: '0' };
}
