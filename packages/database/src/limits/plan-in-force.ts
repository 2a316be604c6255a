/**
 * SQL of a lateral join: the plan and version of an organization at an instant, one row `plan_id, slug, version, name,
 * currency`, or none. An organization's last word counts, and the plan's newest version by then.
 *
 * @param before condition on the instants: `<= $3` now, `< $2` for a month, whose end is not part of it.
 */
export function planInForce(organizationId: string, before: string): string {
  return `(
    select v.id as plan_id, v.slug, v.version, v.name, v.currency
    from (
      select a.plan from organization_plans a
      where a.organization_id = ${organizationId} and a.since ${before} order by a.since desc limit 1
    ) a
    join lateral (
      select * from plans v where v.slug = a.plan and v.valid_from ${before} order by v.version desc limit 1
    ) v on true
  )`;
}

/** SQL of a scalar: how many users an organization has, as it was told last before an instant. */
export function usersBefore(organizationId: string, before: string): string {
  return `coalesce((
    select n.users from organization_users n
    where n.organization_id = ${organizationId} and n.since ${before} order by n.since desc limit 1
  ), 0)`;
}
