import { readDecimal, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import type { LimitState } from '@odometer/domain/limits/decide';
import { isRegistryResource } from '@odometer/domain/limits/resource';
import { monthEnd, monthStart, toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';
import { limitsStatement } from './limits-statement.ts';

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
  const rows = await queryLimits(db, subject, null, nowMs);
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
  const rows = await queryLimits(db, subject, resource, nowMs);
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
  { organization, project }: LimitSubject,
  resource: string | null,
  nowMs: number,
): Promise<readonly [Row, ...Row[]]> {
  const { rows } = await db.query<Row>(
    limitsStatement({
      organization,
      project,
      resource,
      now: toTimestamp(nowMs),
      month: toTimestamp(monthStart(nowMs)),
    }),
  );
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
