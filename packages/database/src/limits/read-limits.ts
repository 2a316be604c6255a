import { readDecimal, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import type { LimitState } from '@odometer/domain/limits/decide';
import { isRegistryResource } from '@odometer/domain/limits/resource';
import { monthEnd, monthStart, toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';
import { planInForce, usersBefore } from './plan-in-force.ts';

/** Whose limits. */
export interface LimitSubject {
  readonly organization: string;
  /** Without a project only the organization's limits count. */
  readonly project?: string | undefined;
}

/** A limit with its use. */
export interface LimitUse extends LimitState {
  /** A meter's slug, or `projects`, `users`, `devices`. */
  readonly resource: string;
  /** Minor units of the plan's currency for one unit of overage; null: it costs nothing. */
  readonly pricePerUnit: Scaled | null;
  /** When use starts from 0 again, milliseconds since the epoch; null for what is a level and never does. */
  readonly resetsAtMs: number | null;
}

export interface PlanInForce {
  readonly slug: string;
  readonly version: number;
  readonly name: string | null;
  readonly currency: string;
}

export interface SubjectLimits {
  readonly organizationId: string;
  readonly projectId: string | null;
  /** Null: no plan, so that nothing is limited. */
  readonly plan: PlanInForce | null;
  /** By resource and scope. */
  readonly limits: readonly LimitUse[];
}

/** Limits of one resource, and its use where there is none. */
export interface ResourceLimits extends SubjectLimits {
  /** What is used by the narrowest scope that was asked for, whether limited or not. */
  readonly unlimitedUse: LimitUse;
}

/** Of projects as they are now; a clock that is a little behind must not miss one that was just created. */
const USED = `case
  when s.resource = 'projects' then
    (select count(*) from projects q where q.organization_id = o.id and q.archived_at is null)
  when s.resource = 'users' then ${usersBefore('o.id', '<= $3')}
  when s.resource = 'devices' and s.scope = 'project' then
    (select count(*) from devices d where d.project_id = p.id)
  when s.resource = 'devices' then
    (select count(*) from projects q join devices d on d.project_id = q.id
     where q.organization_id = o.id and q.archived_at is null)
  when m.kind = 'counter' and s.scope = 'project' then
    coalesce((select u.sum from usage_monthly u
      where u.project_id = p.id and u.meter_id = m.id and u.month = $4), 0)
    + coalesce((select sum(a.sum) from usage_adjustments a
      where a.organization_id = o.id and a.billed_month = $4 and a.project_id = p.id and a.meter_id = m.id), 0)
  when m.kind = 'counter' then
    coalesce((select sum(u.sum) from usage_monthly u
      where u.organization_id = o.id and u.month = $4 and u.meter_id = m.id), 0)
    + coalesce((select sum(a.sum) from usage_adjustments a
      where a.organization_id = o.id and a.billed_month = $4 and a.meter_id = m.id), 0)
  when m.kind = 'gauge' and s.scope = 'project' then
    (select u.last from usage_monthly u
     where u.project_id = p.id and u.meter_id = m.id and u.month <= $4 and u.last is not null
     order by u.month desc limit 1)
  when m.kind = 'gauge' then
    (select sum(x.last) from projects q
     cross join lateral (
       select u.last from usage_monthly u
       where u.project_id = q.id and u.meter_id = m.id and u.month <= $4 and u.last is not null
       order by u.month desc limit 1
     ) x
     where q.organization_id = o.id and q.archived_at is null)
end`;

/**
 * $1 organization, $2 project or null, $3 now, $4 start of this month, $5 a resource or null for all. One row per limit; a
 * row without limit when there is none. `case` evaluates only the branch it takes, so a check of one meter of one project
 * is a handful of index look-ups however many meters and projects there are.
 */
const LIMITS = `
  select o.id as organization_id, p.id as project_id,
    v.slug as plan, v.version, v.name, v.currency,
    s.resource, s.scope, l.plan_id is not null as is_limit,
    trim_scale(l.included)::text as included, coalesce(l.hard, false) as hard,
    trim_scale(l.price_per_unit)::text as price_per_unit,
    m.kind, trim_scale(coalesce(u.used, 0))::text as used, trim_scale(r.reserved)::text as reserved
  from organizations o
  left join projects p on p.organization_id = o.id and p.slug = $2::text
  left join lateral ${planInForce('o.id', '<= $3::timestamptz')} v on true
  left join plan_limits l on l.plan_id = v.plan_id
    and ($5::text is null or l.resource = $5) and (l.scope = 'organization' or p.id is not null)
  cross join lateral (
    select coalesce(l.resource, $5) as resource,
      coalesce(l.scope, case when p.id is null then 'organization' else 'project' end) as scope
  ) s
  left join meters m on m.slug = s.resource
  cross join lateral (select ${USED} as used) u
  cross join lateral (
    select coalesce(sum(r.quantity), 0) as reserved from limit_reservations r
    where r.organization_id = o.id and r.resource = s.resource and r.released_at is null and r.expires_at > $3
      and (s.scope = 'organization' or r.project_id = p.id)
  ) r
  where o.slug = $1
  order by s.resource collate "C", s.scope collate "C"`;

interface Row {
  readonly organization_id: string;
  readonly project_id: string | null;
  readonly plan: string | null;
  readonly version: number;
  readonly name: string | null;
  readonly currency: string;
  readonly resource: string;
  readonly scope: 'organization' | 'project';
  readonly is_limit: boolean;
  readonly included: string | null;
  readonly hard: boolean;
  readonly price_per_unit: string | null;
  readonly kind: 'counter' | 'gauge' | null;
  readonly used: string;
  readonly reserved: string;
}

/**
 * Every limit of an organization, and of a project when one is named, with what is used of it: of a counter this month's
 * usage and the late usage that is billed in it, of a gauge the newest value there is.
 *
 * @throws OdometerError `organization_not_found`, `project_not_found`.
 */
export async function readLimits(
  db: Queryable,
  subject: LimitSubject,
  nowMs: number,
): Promise<SubjectLimits> {
  const rows = await queryLimits(db, 'read-limits', subject, null, nowMs);
  return subjectLimits(rows, nowMs);
}

/**
 * The limits of one resource. A single statement, so that what is used and what is reserved are of one instant.
 *
 * @throws OdometerError as `readLimits`, and `limit_meter_invalid` when there is no such resource.
 */
export async function readResourceLimits(
  db: Queryable,
  subject: LimitSubject & { readonly resource: string },
  nowMs: number,
): Promise<ResourceLimits> {
  const { resource } = subject;
  const rows = await queryLimits(db, 'read-resource-limits', subject, resource, nowMs);
  const [first] = rows;
  if (first.kind === null && !isRegistryResource(resource)) {
    throw new OdometerError('limit_meter_invalid', {
      meter: resource,
      reason: 'there is no such meter',
    });
  }
  const narrowest = rows.find(({ scope }) => scope === 'project') ?? first;
  return { ...subjectLimits(rows, nowMs), unlimitedUse: limitUse(narrowest, nowMs) };
}

async function queryLimits(
  db: Queryable,
  name: string,
  { organization, project }: LimitSubject,
  resource: string | null,
  nowMs: number,
): Promise<readonly [Row, ...Row[]]> {
  const { rows } = await db.query<Row>({
    name,
    text: LIMITS,
    values: [
      organization,
      project ?? null,
      toTimestamp(nowMs),
      toTimestamp(monthStart(nowMs)),
      resource,
    ],
  });
  const [first, ...more] = rows;
  if (first === undefined) throw new OdometerError('organization_not_found', { organization });
  if (project !== undefined && first.project_id === null) {
    throw new OdometerError('project_not_found', { project: `${organization}/${project}` });
  }
  return [first, ...more];
}

function subjectLimits(rows: readonly [Row, ...Row[]], nowMs: number): SubjectLimits {
  const [{ organization_id, project_id, plan, version, name, currency }] = rows;
  return {
    organizationId: organization_id,
    projectId: project_id,
    plan: plan === null ? null : { slug: plan, version, name, currency },
    limits: rows.filter(({ is_limit }) => is_limit).map((row) => limitUse(row, nowMs)),
  };
}

function limitUse(row: Row, nowMs: number): LimitUse {
  return {
    resource: row.resource,
    scope: row.scope,
    included: row.included === null ? null : readDecimal(row.included),
    hard: row.hard,
    pricePerUnit: row.price_per_unit === null ? null : readDecimal(row.price_per_unit),
    used: readDecimal(row.used),
    reserved: readDecimal(row.reserved),
    resetsAtMs: row.kind === 'counter' ? monthEnd(nowMs) : null,
  };
}
