import { monthEnd, toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';
import { IS_OF_MONTH } from './month-conditions.ts';

/** How far an organization's month is. */
export interface CloseStatus {
  readonly organizationId: string;
  readonly organization: string;
  readonly state: 'open' | 'draft' | 'closing' | 'final';
  /** Why it is not closed yet, as of a worker's last look. */
  readonly heldUpBy: readonly string[];
  /** When its grace is over; null until a worker has looked. */
  readonly dueAt: Date | null;
  readonly isForced: boolean;
  /** The earliest month that is not final, when it is an earlier one, `YYYY-MM`. */
  readonly waitsFor: string | null;
  /** Projects whose month is closed. */
  readonly closedProjects: number;
  /** Minor units: what was charged so far, by the projects' limits and by the organization's own. */
  readonly overageCharge: string;
  readonly currency: string | null;
}

/**
 * The organizations that a month concerns, those that were there in it or have usage in it, in the order of their names.
 *
 * @param organization slug of the only one that is wanted.
 */
export async function readCloseStatus(
  db: Queryable,
  monthMs: number,
  organization?: string,
): Promise<readonly CloseStatus[]> {
  const { rows } = await db.query<CloseStatus>(
    `select o.id as "organizationId", o.slug as organization, coalesce(f.state, 'open') as state,
       coalesce(f.held_up_by, '{}') as "heldUpBy", f.due_at as "dueAt", f.forced_by is not null as "isForced",
       (select to_char(min(e.month) at time zone 'UTC', 'YYYY-MM') from periods e
        where e.organization_id = o.id and e.month < $1 and e.state <> 'final') as "waitsFor",
       x.closed as "closedProjects", (coalesce(f.overage_charge, 0) + x.charge)::text as "overageCharge",
       coalesce(f.currency, x.currency) as currency
     from organizations o
     left join periods f on f.organization_id = o.id and f.month = $1
     cross join lateral (
       select count(*)::int as closed, coalesce(sum(x.overage_charge), 0) as charge, max(x.currency) as currency
       from project_months x
       where x.organization_id = o.id and x.month = $1 and x.final
     ) x
     where ($3::text is null or o.slug = $3) and (f.state is not null
       or (o.created_at < $2 and (o.archived_at is null or o.archived_at >= $1))
       or exists (select from usage_monthly u where u.organization_id = o.id and u.month = $1))
     order by o.slug`,
    [toTimestamp(monthMs), toTimestamp(monthEnd(monthMs)), organization ?? null],
  );
  return rows;
}

/** How many projects of these organizations a close of the month has to do. */
export async function countProjectsOfMonth(
  db: Queryable,
  monthMs: number,
  organizationIds: readonly string[],
): Promise<number> {
  const { rows } = await db.query<{ projects: number }>(
    `select count(*)::int as projects from projects p
     where p.organization_id = any($2::bigint[]) and ${IS_OF_MONTH}`,
    [toTimestamp(monthMs), organizationIds],
  );
  return rows[0]?.projects ?? 0;
}
