import { OdometerError } from '@odometer/domain/errors';
import type { PlanDeclaration, PlanLimit } from '@odometer/domain/limits/plan';
import { isRegistryResource, limitRefusal } from '@odometer/domain/limits/resource';
import type { Aggregation, MeterKind } from '@odometer/domain/meters';
import { toTimestamp } from '@odometer/domain/period';
import { lockPlans } from '../advisory-locks.ts';
import { recordAudit } from '../audit-log.ts';
import { inTransaction, type Pool, type Queryable, type Transaction } from '../pool.ts';

/** The newest version of a plan. */
export interface Plan extends PlanDeclaration {
  readonly version: number;
  readonly validFrom: Date;
}

/** By slug, each with its newest version. */
export async function listPlans(db: Queryable): Promise<readonly Plan[]> {
  return queryPlans(db, 'true', []);
}

export async function findPlan(db: Queryable, slug: string): Promise<Plan | undefined> {
  const [plan] = await queryPlans(db, 'p.slug = $1', [slug]);
  return plan;
}

async function queryPlans(
  db: Queryable,
  condition: string,
  values: readonly unknown[],
): Promise<readonly Plan[]> {
  const { rows } = await db.query<
    Omit<Plan, 'limits' | 'validFrom'> & { valid_from: Date; limits: PlanLimit[] }
  >(
    `select distinct on (p.slug collate "C") p.slug, p.version, p.name, p.currency, p.valid_from, l.limits
     from plans p
     cross join lateral (
       select coalesce(json_agg(json_build_object(
         'meter', l.resource, 'scope', l.scope, 'included', trim_scale(l.included)::text, 'hard', l.hard,
         'pricePerUnit', trim_scale(l.price_per_unit)::text
       ) order by l.resource collate "C", l.scope collate "C"), '[]') as limits
       from plan_limits l where l.plan_id = p.id
     ) l
     where ${condition}
     order by p.slug collate "C", p.version desc`,
    values,
  );
  return rows.map(({ valid_from, ...plan }) => ({ ...plan, validFrom: valid_from }));
}

/**
 * Makes a plan what the declaration says, from now on: a new version, but only when something differs.
 *
 * @param transaction holds the plans' lock until it ends, so that of two that declare at once the second sees the first.
 * @throws OdometerError `limit_meter_invalid`.
 */
export async function putPlan(
  transaction: Transaction,
  plan: PlanDeclaration,
  nowMs: number,
): Promise<{ readonly version: number; readonly before: Plan | undefined }> {
  await lockPlans(transaction);
  const [refusal] = await limitRefusals(transaction, plan.limits);
  if (refusal !== undefined) throw new OdometerError('limit_meter_invalid', refusal);
  const before = await findPlan(transaction, plan.slug);
  if (before !== undefined && isSamePlan(before, plan)) return { version: before.version, before };
  const { rows } = await transaction.query<{ id: string; version: number }>(
    // Never older than the version before it, whatever the clock says: the newest is in force.
    `insert into plans (slug, version, name, currency, valid_from)
     select $1, coalesce(max(version), 0) + 1, $2, $3, greatest(max(valid_from), $4::timestamptz)
     from plans where slug = $1
     returning id, version`,
    [plan.slug, plan.name, plan.currency, toTimestamp(nowMs)],
  );
  const [inserted] = rows;
  if (inserted === undefined) throw new Error('an insert without on conflict inserted nothing');
  const { limits } = plan;
  await transaction.query(
    `insert into plan_limits (plan_id, resource, scope, included, hard, price_per_unit)
     select $1, l.* from unnest($2::text[], $3::text[], $4::numeric[], $5::boolean[], $6::numeric[]) l`,
    [
      inserted.id,
      limits.map(({ meter }) => meter),
      limits.map(({ scope }) => scope),
      limits.map(({ included }) => included),
      limits.map(({ hard }) => hard),
      limits.map(({ pricePerUnit }) => pricePerUnit),
    ],
  );
  return { version: inserted.version, before };
}

/**
 * Declares a plan in a transaction of its own, with its entry in the audit log when it changed anything.
 *
 * @throws OdometerError `limit_meter_invalid`.
 */
export async function declarePlan(
  pool: Pool,
  plan: PlanDeclaration,
  by: { readonly actor: string; readonly nowMs: number },
): Promise<Plan> {
  return inTransaction(pool, async (transaction) => {
    const { version, before } = await putPlan(transaction, plan, by.nowMs);
    if (version !== before?.version) {
      await recordAudit(transaction, {
        actor: by.actor,
        action: before === undefined ? 'plan.create' : 'plan.update',
        subject: plan.slug,
        detail: { version, ...plan },
      });
    }
    const declared = await findPlan(transaction, plan.slug);
    if (declared === undefined) throw new Error('the plan is not there after its declaration');
    return declared;
  });
}

export interface LimitRefusal {
  readonly meter: string;
  readonly reason: string;
}

/** What the limits name that can have none: unknown meters, and those that neither add up nor hold a level. */
export async function limitRefusals(
  db: Queryable,
  limits: readonly { readonly meter: string }[],
): Promise<readonly LimitRefusal[]> {
  const named = new Set(
    limits.map(({ meter }) => meter).filter((each) => !isRegistryResource(each)),
  );
  const { rows } = await db.query<{ slug: string; kind: MeterKind; aggregation: Aggregation }>(
    // Nobody deletes them until the plan is there.
    'select slug, kind, aggregation from meters where slug = any($1::text[]) order by slug for key share',
    [[...named]],
  );
  const meters = new Map(rows.map((meter) => [meter.slug, meter]));
  const refusals: LimitRefusal[] = [];
  for (const slug of named) {
    const meter = meters.get(slug);
    const reason = meter === undefined ? 'there is no such meter' : limitRefusal(meter);
    if (reason !== undefined) refusals.push({ meter: slug, reason });
  }
  return refusals;
}

/** Both have one order of limits and one way of writing decimals. */
function isSamePlan(before: Plan, plan: PlanDeclaration): boolean {
  const parts = ({ name, currency, limits }: PlanDeclaration) =>
    JSON.stringify([
      name,
      currency,
      limits.map((l) => [l.meter, l.scope, l.included, l.hard, l.pricePerUnit]),
    ]);
  return parts(before) === parts(plan);
}
