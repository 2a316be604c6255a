import { monthEnd, toTimestamp } from '@odometer/domain/period';
import { lockMonth } from '../advisory-locks.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { hasEnded } from './month-conditions.ts';

/**
 * Gives every organization that was there when a month ended, has usage in it or late usage billed in it, its draft of that
 * month, once a month.
 * Usage that comes for a month that had none drafts it by itself (draftPeriods).
 *
 * @param months starts of months that have ended.
 */
export async function draftEndedMonths(
  db: Queryable,
  months: readonly number[],
  now: string,
): Promise<void> {
  for (const monthMs of months) {
    await db.query(
      // The last month is looked at again and again: a clock that was ahead may have drafted it before it had ended.
      `with fresh as (
         insert into drafted_months (month) select $1::timestamptz where ${hasEnded('$1::timestamptz')}
         on conflict do nothing returning month
       ), month as (
         select month from fresh union select $1::timestamptz where $3 and ${hasEnded('$1::timestamptz')}
       )
       insert into periods (organization_id, month, state, drafted_at)
       select o.id, m.month, 'draft', $2
       from month m cross join organizations o
       where (o.created_at < (m.month at time zone 'UTC' + interval '1 month') at time zone 'UTC'
           and (o.archived_at is null or o.archived_at >= m.month))
         or exists (select from usage_monthly u where u.organization_id = o.id and u.month = m.month)
         or exists (select from usage_adjustments a where a.organization_id = o.id and a.billed_month = m.month)
       order by 1
       on conflict do nothing`,
      [toTimestamp(monthMs), now, monthMs === months.at(-1)],
    );
  }
}

/** Start of the first month in which there was anything, milliseconds; undefined when nothing is there. */
async function firstMonth(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ month: Date | null }>(
    `select date_trunc('month', least((select min(created_at) from organizations),
       (select min(month) from usage_monthly)), 'UTC') as month`,
  );
  return rows[0]?.month?.getTime();
}

/** Months that are not closed for everybody although they have ended, oldest first. */
export async function unfinishedMonths(db: Queryable, now: string): Promise<readonly number[]> {
  const { rows } = await db.query<{ month: Date }>(
    `select distinct month from periods
     where state <> 'final' and (month at time zone 'UTC' + interval '1 month') at time zone 'UTC' <= $1
       and ${hasEnded('month')}
     order by 1`,
    [now],
  );
  return rows.map(({ month }) => month.getTime());
}

/** Starts of all months that have ended since there was anything, oldest first. */
export async function endedMonths(db: Queryable, nowMs: number): Promise<readonly number[]> {
  const months: number[] = [];
  const first = await firstMonth(db);
  if (first === undefined) return months;
  for (let monthMs = first; monthEnd(monthMs) <= nowMs; monthMs = monthEnd(monthMs)) {
    months.push(monthMs);
  }
  return months;
}

/** Of the period `f` of the organization `o`: from its end, or from when the organization came if that is later. */
const DUE_AT = `greatest((f.month at time zone 'UTC' + interval '1 month') at time zone 'UTC', o.created_at)
  + $3 * interval '1 millisecond'`;

export interface DraftedPeriod {
  readonly organizationId: string;
  readonly organization: string;
  readonly isForced: boolean;
  /** Whether the grace is over. */
  readonly isDue: boolean;
  /** The earliest month of the organization that is not final, when it is an earlier one, `YYYY-MM`. */
  readonly waitsFor: string | null;
}

/** The drafts of a month. */
export async function listDrafts(
  db: Queryable,
  monthMs: number,
  now: string,
  graceMs: number,
): Promise<readonly DraftedPeriod[]> {
  const { rows } = await db.query<DraftedPeriod>(
    `select f.organization_id as "organizationId", o.slug as organization, f.forced_by is not null as "isForced",
       ${DUE_AT} <= least($2::timestamptz, clock_timestamp()) as "isDue",
       (select to_char(min(e.month) at time zone 'UTC', 'YYYY-MM') from periods e
        where e.organization_id = f.organization_id and e.month < f.month and e.state <> 'final') as "waitsFor"
     from periods f join organizations o on o.id = f.organization_id
     where f.month = $1 and f.state = 'draft'
     order by 1`,
    [toTimestamp(monthMs), now, graceMs],
  );
  return rows;
}

/** Says of drafts why they are not closed yet, and when they are due; one that is not named has no reason any more. */
export async function noteHoldUps(
  db: Queryable,
  monthMs: number,
  reasons: ReadonlyMap<string, readonly string[]>,
  graceMs: number,
): Promise<void> {
  await db.query(
    `update periods p set held_up_by = h.reasons, due_at = h.due_at
     from (
       select f.organization_id, ${DUE_AT} as due_at,
         coalesce((select array_agg(r.reason) from unnest($2::bigint[], $4::text[]) as r (id, reason)
                   where r.id = f.organization_id), '{}') as reasons
       from periods f join organizations o on o.id = f.organization_id
       where f.month = $1 and f.state = 'draft'
     ) h
     where p.organization_id = h.organization_id and p.month = $1 and p.state = 'draft'
       and (p.held_up_by, p.due_at) is distinct from (h.reasons, h.due_at)`,
    [
      toTimestamp(monthMs),
      [...reasons].flatMap(([id, ofOne]) => ofOne.map(() => id)),
      graceMs,
      [...reasons].flatMap(([, ofOne]) => ofOne),
    ],
  );
}

/**
 * draft → closing, in the order of months: from the commit on, usage of these organizations' month goes to adjustments and its hours do not change
 * any more. A month that has not ended is not flipped. Waits only for the transactions that are writing to the month at this moment.
 *
 * @returns how many were flipped.
 */
export async function beginClosing(
  transaction: Transaction,
  monthMs: number,
  organizationIds: readonly string[],
  now: string,
): Promise<number> {
  await lockMonth(transaction, monthMs);
  const { rowCount } = await transaction.query(
    `update periods f
     set state = 'closing', closing_at = $3, closing_act = nextval('period_acts'), held_up_by = '{}'
     where f.month = $1 and f.organization_id = any($2::bigint[]) and f.state = 'draft' and ${hasEnded('f.month')}
       and not exists (
       select from periods e
       where e.organization_id = f.organization_id and e.month < f.month and e.state <> 'final'
     )`,
    [toTimestamp(monthMs), organizationIds, now],
  );
  return rowCount ?? 0;
}
