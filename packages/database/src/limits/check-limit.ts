import type { Scaled } from '@odometer/domain/decimal';
import { decide, remaining } from '@odometer/domain/limits/decide';
import type { Queryable } from '../pool.ts';
import {
  type LimitSubject,
  type LimitUse,
  type PlanInForce,
  readResourceLimits,
} from './read-limits.ts';

export interface LimitQuestion extends LimitSubject {
  readonly resource: string;
  readonly quantity: Scaled;
}

export interface LimitAnswer {
  readonly allowed: boolean;
  readonly plan: PlanInForce | null;
  /** The limit that decided or, when nothing is limited, what is used without one. */
  readonly limit: LimitUse;
  /** Null: unlimited. */
  readonly remaining: Scaled | null;
}

/**
 * Whether so much more may be used. Read only, one round trip: between this answer and the use others may use as much.
 * Who must not exceed a hard limit reserves.
 *
 * @throws OdometerError `organization_not_found`, `project_not_found`, `limit_meter_invalid`.
 */
export async function checkLimit(
  db: Queryable,
  question: LimitQuestion,
  nowMs: number,
): Promise<LimitAnswer & { readonly organizationId: string; readonly projectId: string | null }> {
  const found = await readResourceLimits(db, question, nowMs);
  const decision = decide(found.limits, question.quantity);
  const limit = decision.limit ?? found.unlimitedUse;
  return {
    organizationId: found.organizationId,
    projectId: found.projectId,
    allowed: decision.allowed,
    plan: found.plan,
    limit,
    remaining: remaining(limit),
  };
}
