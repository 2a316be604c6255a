import type { Queryable, Transaction } from '../pool.ts';

/** Usage of a meter in one hour that is kept for a name without a project. Quantities are decimal text. */
export interface UnattributedHour {
  readonly organization: string;
  readonly project: string;
  readonly sum: string;
}

/** Usage of a meter in one hour: what the hour has, and the adjustments that belong to it. */
export interface ProjectHour {
  readonly projectId: string;
  readonly organizationId: string;
  readonly sum: string;
}

/**
 * Lets one transaction at a time set hours of a meter. Comes right after the months' locks.
 *
 * @returns whose the meter is; undefined when there is none.
 */
export async function lockMeterHours(
  transaction: Transaction,
  meterId: number,
): Promise<string | undefined> {
  const { rows } = await transaction.query<{ owner: string }>(
    'select owner from meters where id = $1 for no key update',
    [meterId],
  );
  return rows[0]?.owner;
}

/**
 * What is kept for names without a project, locked: none of it can be given to its project until the transaction ends. Read it
 * before what projects have: usage that was being given away meanwhile is in the one or in the other.
 */
export async function lockUnattributedHour(
  transaction: Transaction,
  meterId: number,
  hour: string,
): Promise<readonly UnattributedHour[]> {
  const { rows } = await transaction.query<UnattributedHour>(
    `select organization, project, sum::text as sum from unattributed_usage
     where meter_id = $1 and hour = $2 and device = ''
     order by organization, project
     for update`,
    [meterId, hour],
  );
  return rows;
}

/** What projects have, those only that have anything. Project by project: the primary key serves no other order. */
export async function readProjectHours(
  db: Queryable,
  meterId: number,
  hour: string,
): Promise<readonly ProjectHour[]> {
  const { rows } = await db.query<ProjectHour>(
    `select p.id as "projectId", p.organization_id as "organizationId",
       (coalesce(h.sum, 0) + coalesce(a.sum, 0))::text as sum
     from projects p
     left join lateral (
       select u.sum from usage_hourly u where u.project_id = p.id and u.meter_id = $1 and u.hour = $2
     ) h on true
     left join lateral (
       select sum(l.sum) as sum from usage_adjustments l where l.project_id = p.id and l.hour = $2 and l.meter_id = $1
     ) a on exists (
       -- Only what is closed for somebody has any.
       select from periods f where f.month = date_trunc('month', $2::timestamptz, 'UTC') and f.state in ('closing', 'final')
     )
     where h.sum is not null or a.sum is not null`,
    [meterId, hour],
  );
  return rows;
}
