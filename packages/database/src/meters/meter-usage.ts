import type { Queryable } from '../pool.ts';

/**
 * SQL: whether there is any usage of the meter $1, in one statement, so that usage that is just being moved from one place to
 * another is seen in one of them. Hours and days have no row of a meter that has none in months. Project by project: a look-up
 * each in the primary key instead of reading all months there ever were while appliers wait.
 */
export const HAS_USAGE = `(
  exists (
    select from projects p
    where exists (select from usage_monthly u where u.project_id = p.id and u.meter_id = $1)
  )
  or exists (select from usage_adjustments where meter_id = $1)
  or exists (select from unattributed_usage where meter_id = $1)
)`;

export async function hasUsage(db: Queryable, meterId: number): Promise<boolean> {
  const { rows } = await db.query<{ used: boolean }>(`select ${HAS_USAGE} as used`, [meterId]);
  return rows[0]?.used === true;
}
