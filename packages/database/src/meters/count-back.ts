import { toTimestamp } from '@odometer/domain/period';
import type { Queryable, Transaction } from '../pool.ts';
import type { EventMeter } from './catalogue.ts';

/** Events before it are counted back, in the order of time and key. */
export interface CountBackPosition {
  readonly timeMs: number;
  readonly key: string;
}

export interface MeterToCountBack extends EventMeter {
  /** Events of a lower version are counted back. */
  readonly catalogueVersion: string;
  /** Null before the first event. */
  readonly position: CountBackPosition | null;
  readonly part: number;
}

const MIN_KEY = '00000000-0000-0000-0000-000000000000';

/** The meter, while it has something to be counted back; `lock` keeps others off until the transaction ends. */
export async function findMeterToCountBack(
  db: Queryable,
  slug: string,
  lock = '',
): Promise<MeterToCountBack | undefined> {
  const { rows } = await db.query<
    Omit<MeterToCountBack, 'position'> & { time: Date | null; key: string | null }
  >(
    `select id, slug, event_type as "eventType", owner, aggregation, value_path as "valuePath", default_value as "defaultValue",
       catalogue_version as "catalogueVersion", count_back_part as part, count_back_time as time, count_back_key as key
     from meters where slug = $1 and counted_back_at is null and event_type is not null ${lock}`,
    [slug],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { time, key, ...meter } = row;
  return {
    ...meter,
    position: time === null || key === null ? null : { timeMs: time.getTime(), key },
  };
}

/** The same inside a transaction that moves its position: whoever else counts it back waits. */
export function lockMeterToCountBack(
  transaction: Transaction,
  slug: string,
): Promise<MeterToCountBack | undefined> {
  return findMeterToCountBack(transaction, slug, 'for no key update');
}

/** An event as it was stored. Its time is of whole milliseconds, as every time that is written. */
export interface EventToCountBack {
  readonly timeMs: number;
  readonly key: string;
  readonly organizationId: string | null;
  readonly projectId: string | null;
  /** Slugs of the owner, known or not. */
  readonly organization: string;
  readonly project: string;
  readonly device: string | null;
  /** JSON text; null when it had none. */
  readonly data: string | null;
  /** Whether a negative value of it counts: it was stored by a version that let clients lower a sum. */
  readonly mayLower: boolean;
}

/**
 * The events to count back from a position on, in order, up to an instant. There is no index for it: a window of time is
 * found by the summaries of its pages, and sorted.
 */
export async function readEventsToCountBack(
  db: Queryable,
  meter: Pick<MeterToCountBack, 'eventType' | 'catalogueVersion'>,
  from: CountBackPosition,
  beforeMs: number,
  limit: number,
): Promise<readonly EventToCountBack[]> {
  const { rows } = await db.query<Omit<EventToCountBack, 'timeMs'> & { time: Date }>(
    `select e.time, e.key, e.organization_id as "organizationId", e.project_id as "projectId",
       coalesce(o.slug, split_part(e.unattributed_to, '/', 1)) as organization,
       coalesce(p.slug, split_part(e.unattributed_to, '/', 2)) as project, e.device, e.data::text as data,
       e.posthoc is null as "mayLower"
     from (
       select time, key, organization_id, project_id, unattributed_to, device, data, posthoc from events
       where type = $1 and posthoc is not true and catalogue_version < $2 and time >= $3 and time < $5 and (time, key) >= ($3, $4)
       order by time, key limit $6
     ) e
     left join organizations o on o.id = e.organization_id
     left join projects p on p.id = e.project_id
     order by e.time, e.key`,
    [
      meter.eventType,
      meter.catalogueVersion,
      toTimestamp(from.timeMs),
      from.key,
      toTimestamp(beforeMs),
      limit,
    ],
  );
  return rows.map(({ time, ...row }) => ({ ...row, timeMs: time.getTime() }));
}

/** Everything before the instant. */
export function positionAt(timeMs: number): CountBackPosition {
  return { timeMs, key: MIN_KEY };
}

/** Moves on, in the transaction that counts what was passed. */
export async function moveCountBack(
  transaction: Transaction,
  meterId: number,
  { timeMs, key }: CountBackPosition,
): Promise<void> {
  await transaction.query(
    'update meters set count_back_time = $2, count_back_key = $3 where id = $1',
    [meterId, toTimestamp(timeMs), key],
  );
}

/**
 * No earlier than any month was closed by now, whatever the clocks say: a closed month that was left out must never look
 * as if it had been counted.
 */
export const COUNTED_BACK_NOW =
  'greatest(clock_timestamp(), (select max(closing_at) from periods))';

/** Everything is counted back: hours and months know all that is ever billed. */
export async function endCountBack(db: Queryable, { id }: MeterToCountBack): Promise<void> {
  await db.query(
    `update meters set counted_back_at = ${COUNTED_BACK_NOW} where id = $1 and counted_back_at is null`,
    [id],
  );
}

/** Hands over to the next job. @returns whether it was this part's turn. */
export async function handOverCountBack(
  db: Queryable,
  { id, part }: MeterToCountBack,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update meters set count_back_part = count_back_part + 1
     where id = $1 and count_back_part = $2 and counted_back_at is null`,
    [id, part],
  );
  return rowCount === 1;
}

/** The months for which events are kept, starts in milliseconds, ascending. */
export async function eventMonths(db: Queryable): Promise<readonly number[]> {
  const { rows } = await db.query<{ month: string }>(
    `select substring(c.relname from '\\d{4}_\\d{2}$') as month
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'events'::regclass order by 1`,
  );
  return rows.map(({ month }) =>
    Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1, 1),
  );
}

/** The payload of the job that goes on with a meter. */
export interface CountBackJob {
  readonly meter: string;
  readonly part: number;
}

/** The jobs that should be at work. To ask for them again, whenever, costs nothing: their ids are the same. */
export async function dueCountBacks(db: Queryable): Promise<readonly CountBackJob[]> {
  const { rows } = await db.query<CountBackJob>(
    `select slug as meter, count_back_part as part from meters where counted_back_at is null and event_type is not null
     order by id`,
  );
  return rows;
}
