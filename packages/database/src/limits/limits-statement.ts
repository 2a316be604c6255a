import { isRegistryResource } from '@odometer/domain/limits/resource';
import type { QueryConfig } from 'pg';
import { planInForce, usersBefore } from './plan-in-force.ts';

/** What is used of a resource in a scope `s`, by an organization `o` and perhaps a project `p`; branches of a `case`. */
const USED = {
  // As it is now: a clock that is a little behind must not miss a project that was just created.
  projects: `when s.resource = 'projects' then
    (select count(*) from projects q where q.organization_id = o.id and q.archived_at is null)`,
  users: `when s.resource = 'users' then ${usersBefore('o.id', '<= ask.now')}`,
  devices: `when s.resource = 'devices' and s.scope = 'project' then
      (select count(*) from devices d where d.project_id = p.id)
    when s.resource = 'devices' then
      (select count(*) from projects q join devices d on d.project_id = q.id
       where q.organization_id = o.id and q.archived_at is null)`,
  meters: `when m.kind = 'counter' and s.scope = 'project' then
      coalesce((select u.sum from usage_monthly u
        where u.project_id = p.id and u.meter_id = m.id and u.month = ask.month), 0)
      + coalesce((select sum(a.sum) from usage_adjustments a
        where a.organization_id = o.id and a.billed_month = ask.month and a.project_id = p.id and a.meter_id = m.id), 0)
    when m.kind = 'counter' then
      coalesce((select sum(u.sum) from usage_monthly u
        where u.organization_id = o.id and u.month = ask.month and u.meter_id = m.id), 0)
      + coalesce((select sum(a.sum) from usage_adjustments a
        where a.organization_id = o.id and a.billed_month = ask.month and a.meter_id = m.id), 0)
    when m.kind = 'gauge' and s.scope = 'project' then
      (select u.last from usage_monthly u
       where u.project_id = p.id and u.meter_id = m.id and u.month <= ask.month and u.last is not null
       order by u.month desc limit 1)
    when m.kind = 'gauge' then
      (select sum(x.last) from projects q
       cross join lateral (
         select u.last from usage_monthly u
         where u.project_id = q.id and u.meter_id = m.id and u.month <= ask.month and u.last is not null
         order by u.month desc limit 1
       ) x
       where q.organization_id = o.id and q.archived_at is null)`,
} as const;

/**
 * One row per limit, or a row without limit when there is none. `case` evaluates only the branch it takes, so what is asked
 * about one meter of one project is a handful of index look-ups however many meters and projects there are.
 *
 * What is asked for comes through a materialized row: then the plan that Postgres makes for all values is as good, to its
 * mind, as one it would make for these, and it keeps it. Planning anew costs five times what the answer does.
 */
function limitsSql(used: string, isOfResource: string): string {
  return `
  with ask as materialized (
    select $1::text as organization, $2::text as project, $3::timestamptz as now, $4::timestamptz as month, $5::text as resource
  )
  select o.id as organization_id, p.id as project_id,
    v.slug as plan, v.version, v.name, v.currency,
    s.resource, s.scope, l.plan_id is not null as is_limit,
    trim_scale(l.included)::text as included, coalesce(l.hard, false) as hard,
    trim_scale(l.price_per_unit)::text as price_per_unit,
    m.kind, trim_scale(coalesce(u.used, 0))::text as used, trim_scale(r.reserved)::text as reserved
  from ask
  join organizations o on o.slug = ask.organization
  left join projects p on p.organization_id = o.id and p.slug = ask.project
  left join lateral ${planInForce('o.id', '<= ask.now')} v on true
  left join plan_limits l on l.plan_id = v.plan_id${isOfResource} and (l.scope = 'organization' or p.id is not null)
  cross join lateral (
    select coalesce(l.resource, ask.resource) as resource,
      coalesce(l.scope, case when p.id is null then 'organization' else 'project' end) as scope
  ) s
  left join meters m on m.slug = s.resource
  cross join lateral (select case ${used} end as used) u
  cross join lateral (
    select coalesce(sum(r.quantity), 0) as reserved from limit_reservations r
    where r.organization_id = o.id and r.resource = s.resource and r.released_at is null and r.expires_at > ask.now
      and (s.scope = 'organization' or r.project_id = p.id)
  ) r
  order by s.resource collate "C", s.scope collate "C"`;
}

const ALL = limitsSql(Object.values(USED).join(' '), '');

/** A statement has only the branches that it needs: Postgres prepares even those that it does not take. */
const OF_RESOURCE: Readonly<Record<keyof typeof USED, string>> = {
  projects: limitsSql(USED.projects, ' and l.resource = ask.resource'),
  users: limitsSql(USED.users, ' and l.resource = ask.resource'),
  devices: limitsSql(USED.devices, ' and l.resource = ask.resource'),
  meters: limitsSql(USED.meters, ' and l.resource = ask.resource'),
};

/**
 * The statement that reads limits with their use.
 *
 * @param resource only this one's, a row also when it is not limited; null: all limits.
 * @param now and `month` (its start) as timestamps.
 */
export function limitsStatement(asked: {
  readonly organization: string;
  readonly project: string | undefined;
  readonly resource: string | null;
  readonly now: string;
  readonly month: string;
}): QueryConfig {
  const { organization, project = null, resource, now, month } = asked;
  const values = [organization, project, now, month, resource];
  if (resource === null) return { name: 'read-limits', text: ALL, values };
  const kind = isRegistryResource(resource) ? resource : 'meters';
  return { name: `read-limits-of-${kind}`, text: OF_RESOURCE[kind], values };
}
