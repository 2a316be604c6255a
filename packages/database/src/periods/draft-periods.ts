import type { Queryable } from '../pool.ts';
import { hasEnded } from './month-conditions.ts';

export interface OrganizationMonth {
  readonly organizationId: string;
  /** Start of the month. */
  readonly month: string;
}

/** Notes that these months, which have ended, have usage and are to be closed. What is noted already stays as it is. */
export async function draftPeriods(
  db: Queryable,
  periods: readonly OrganizationMonth[],
  now: string,
): Promise<void> {
  if (periods.length === 0) return;
  await db.query(
    `insert into periods (organization_id, month, state, drafted_at)
     select organization_id, month, 'draft', $3
     from unnest($1::bigint[], $2::timestamptz[]) as p (organization_id, month)
     where ${hasEnded('month')}
     order by 1, 2
     on conflict do nothing`,
    [periods.map(({ organizationId }) => organizationId), periods.map(({ month }) => month), now],
  );
}
