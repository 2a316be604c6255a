import { monthEnd, monthStart, toTimestamp } from '@odometer/domain/period';
import { inTransaction, type Pool, type Queryable } from '../pool.ts';

/** Longer than any query may run: one that began before the mark was moved still finds every event. */
const NOTICE_MS = 3_600_000;

/** How long to wait for queries of a month's events; whoever asks meanwhile waits behind us. The next hour tries again. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Since when raw events are kept; null while all are. Whoever answers from raw events for a time before it must refuse.
 * Read it before the events, or after, in the same query or not: it is moved an hour before the first event goes.
 */
export async function eventsKeptFrom(db: Queryable): Promise<number | null> {
  const { rows } = await db.query<{ kept_from: Date | null }>(
    `select nullif(kept_from, '-infinity') as kept_from from event_retention`,
  );
  return rows[0]?.kept_from?.getTime() ?? null;
}

/**
 * Moves the mark up to the month that is `months` before the current one, oldest month first, and stops at the first one
 * that must be kept: not final for every organization that has usage or a project in it, or while a meter counts back,
 * which needs the events. It never moves back. Events that have not found their project go too: what they count is kept
 * apart from them, until they do.
 *
 * @param months whole months that are kept besides the current one.
 * @returns the mark, milliseconds since the epoch; null while all events are kept.
 */
export async function moveEventRetention(
  pool: Pool,
  months: number,
  nowMs: number,
): Promise<number | null> {
  const now = new Date(nowMs);
  const keepFromMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1);
  const marked = await eventsKeptFrom(pool);
  const oldest = await oldestEventMonth(pool);
  if (oldest === undefined) return marked;
  let keptFromMs = marked ?? oldest;
  while (keptFromMs < keepFromMs && (await mayGo(pool, keptFromMs))) {
    keptFromMs = monthEnd(keptFromMs);
  }
  if (keptFromMs <= (marked ?? oldest)) return marked;
  await pool.query(
    `update event_retention set kept_from = $1, moved_at = now() where kept_from < $1`,
    [toTimestamp(keptFromMs)],
  );
  return keptFromMs;
}

async function oldestEventMonth(db: Queryable): Promise<number | undefined> {
  const [oldest] = await eventMonths(db);
  return oldest;
}

/** Months that have a partition of events, starts in milliseconds, ascending. */
async function eventMonths(db: Queryable): Promise<readonly number[]> {
  const { rows } = await db.query<{ month: string }>(
    `select substring(c.relname from '\\d{4}_\\d{2}$') as month
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'events'::regclass
     order by 1`,
  );
  return rows.map(({ month }) =>
    monthStart(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1, 1)),
  );
}

async function mayGo(db: Queryable, monthMs: number): Promise<boolean> {
  const { rows } = await db.query<{ kept: boolean }>(
    `select exists (
         select from (
           select organization_id from projects where created_at < $2 and (archived_at is null or archived_at >= $1)
           union
           select organization_id from usage_monthly where month = $1
         ) o
         left join periods p on p.organization_id = o.organization_id and p.month = $1
         where p.state is distinct from 'final'
       )
       or exists (select from meters where counted_back_at is null) as kept`,
    [toTimestamp(monthMs), toTimestamp(monthEnd(monthMs))],
  );
  return rows[0]?.kept === false;
}

/**
 * Empties the partitions of events before the mark, when it was moved long enough ago. Empties rather than drops: to drop
 * one takes a lock on all events, and a late event of the month would find no place; an empty partition costs nothing.
 *
 * @param noticeMs by the clock of Postgres.
 * @returns the months that were emptied, starts in milliseconds.
 */
export async function emptyForgottenMonths(
  pool: Pool,
  signal: AbortSignal,
  noticeMs = NOTICE_MS,
): Promise<readonly number[]> {
  const { rows } = await pool.query<{ kept_from: Date }>(
    `select kept_from from event_retention
     where kept_from > '-infinity' and moved_at <= now() - $1 * interval '1 ms'`,
    [noticeMs],
  );
  const keptFromMs = rows[0]?.kept_from.getTime() ?? Number.NEGATIVE_INFINITY;
  const emptied: number[] = [];
  for (const monthMs of await eventMonths(pool)) {
    if (monthMs >= keptFromMs || signal.aborted) break;
    if (await emptyMonth(pool, monthMs)) emptied.push(monthMs);
  }
  return emptied;
}

/** @returns whether there was anything in it. */
async function emptyMonth(pool: Pool, monthMs: number): Promise<boolean> {
  const partition = `events_${toTimestamp(monthMs).slice(0, 7).replace('-', '_')}`;
  const { rowCount } = await pool.query(`select from ${partition} limit 1`);
  if (rowCount === 0) return false;
  await inTransaction(pool, async (transaction) => {
    await transaction.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await transaction.query(`truncate ${partition}`);
  });
  return true;
}
