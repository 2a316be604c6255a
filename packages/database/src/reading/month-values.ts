import { toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';

/** What a project's month comes to by a meter whose events do not add up. */
export interface MonthValue {
  readonly organization: string;
  readonly project: string;
  readonly meter: string;
  /** Decimal text. */
  readonly value: string;
}

/** A month of the meters of averages, extremes and latest values, by their own rule; their sums say nothing. */
export async function readMonthValues(
  db: Queryable,
  monthMs: number,
  organizationIds: readonly string[],
): Promise<readonly MonthValue[]> {
  const { rows } = await db.query<MonthValue>(
    `select o.slug as organization, p.slug as project, m.slug as meter, trim_scale(case m.aggregation
        when 'avg' then u.sum / nullif(u.count, 0)
        when 'min' then u.min
        when 'max' then u.max
        else u.last
      end)::text as value
     from usage_monthly u
     join meters m on m.id = u.meter_id
     join projects p on p.id = u.project_id
     join organizations o on o.id = u.organization_id
     where u.month = $1 and u.organization_id = any($2::bigint[]) and m.kind = 'gauge' and m.owner = 'events' and u.count > 0`,
    [toTimestamp(monthMs), organizationIds],
  );
  return rows;
}
