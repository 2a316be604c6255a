import { formatQuantity, type Scaled } from '@odometer/domain/decimal';
import { jsonFigure } from '@odometer/domain/json-figure';
import { overage, overageCharge } from '@odometer/domain/limits/charge';
import { remaining } from '@odometer/domain/limits/decide';
import type { LimitAnswer } from './check-limit.ts';
import type { LimitUse, SubjectLimits } from './read-limits.ts';

const figure = (value: Scaled) => jsonFigure(formatQuantity(value));
const orNull = <T>(value: Scaled | null, make: (value: Scaled) => T) =>
  value === null ? null : make(value);
const instant = (atMs: number | null) => (atMs === null ? null : new Date(atMs).toISOString());

/** A limit as the API and `--json` tell it. */
function limitFigures(limit: LimitUse) {
  const { resource, scope, included, hard, used, reserved, pricePerUnit, resetsAtMs } = limit;
  // A gauge is billed by its average and a registry by its month's end: neither is known before.
  const isCounter = resetsAtMs !== null;
  return {
    meter: resource,
    scope,
    included: orNull(included, figure),
    unlimited: included === null,
    hard,
    used: figure(used),
    reserved: figure(reserved),
    remaining: orNull(remaining(limit), figure),
    resetsAt: instant(resetsAtMs),
    pricePerUnit: orNull(pricePerUnit, formatQuantity),
    chargeSoFar: isCounter
      ? orNull(pricePerUnit, (price) =>
          jsonFigure(overageCharge(overage(used, included), price).toString()),
        )
      : null,
  };
}

/** All limits as the API and `--json` tell them. */
export function limitsFigures({ plan, limits }: SubjectLimits) {
  return { plan, limits: limits.map(limitFigures) };
}

/** The answer to a check as the API and `--json` tell it. */
export function answerFigures({ allowed, plan, limit, remaining: left }: LimitAnswer) {
  return {
    allowed,
    limit: orNull(limit.included, figure),
    unlimited: limit.included === null,
    used: figure(limit.used),
    reserved: figure(limit.reserved),
    remaining: orNull(left, figure),
    resetsAt: instant(limit.resetsAtMs),
    meter: limit.resource,
    scope: limit.scope,
    hard: limit.hard,
    plan: plan?.slug ?? null,
  };
}
