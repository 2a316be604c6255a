import { findOrganizationTerms } from '@odometer/database/limits/organization-plan';
import { declarePlan, findPlan, listPlans, type Plan } from '@odometer/database/limits/plans';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { planSchema } from '@odometer/domain/limits/plan';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { forbidden } from '../http/own-organization.ts';
import { type AnyRoute, type Caller, defineRoute } from '../http/route.ts';
import { instant } from '../http/schemas.ts';

const planDocument = z
  .object({
    slug: z.string(),
    version: z.int(),
    validFrom: instant,
    name: z.string().nullable(),
    currency: z.string(),
    limits: z.array(
      z.object({
        meter: z.string(),
        scope: z.enum(['organization', 'project']),
        included: z.string().describe('a decimal, or `unlimited`'),
        hard: z.boolean(),
        pricePerUnit: z.string().nullable().describe('minor units of the currency, exact'),
      }),
    ),
  })
  .meta({ id: 'Plan' });

/** As it can be sent back: what is unlimited says so. */
function planJson({ limits, ...plan }: Plan) {
  return {
    ...plan,
    limits: limits.map((limit) => ({ ...limit, included: limit.included ?? 'unlimited' })),
  };
}

/**
 * The plan of a key's organization. A plan may have been made for one customer, so a key that is bound to an organization
 * sees that one's only.
 */
async function ownPlan(pool: Pool, organization: string): Promise<string | null> {
  return (await findOrganizationTerms(pool, organization))?.plan ?? null;
}

/** @throws OdometerError `organization_forbidden`: nobody makes terms for itself. */
export function requireOperator(caller: Caller): void {
  if (caller.organization !== null) throw forbidden();
}

export const planRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/plans',
    scope: 'read',
    summary: 'The newest version of each plan; with a key of one organization, of its own plan',
    answers: {
      200: { description: 'By slug', schema: z.object({ items: z.array(planDocument) }) },
    },
    async handle({ caller }, { pool }) {
      if (caller.organization === null) {
        return { status: 200, json: { items: (await listPlans(pool)).map(planJson) } };
      }
      const own = await ownPlan(pool, caller.organization);
      const plan = own === null ? undefined : await findPlan(pool, own);
      return { status: 200, json: { items: plan === undefined ? [] : [planJson(plan)] } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/plans/:slug',
    scope: 'read',
    summary: 'The newest version of a plan',
    params: z.object({ slug: z.string() }),
    answers: { 200: { description: 'The plan', schema: planDocument } },
    async handle({ params: { slug }, caller }, { pool }) {
      const { organization } = caller;
      if (organization !== null && (await ownPlan(pool, organization)) !== slug) throw forbidden();
      const plan = await findPlan(pool, slug);
      if (plan === undefined) throw new OdometerError('plan_not_found', { plan: slug });
      return { status: 200, json: planJson(plan) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/plans',
    scope: 'admin',
    summary: 'Declare a plan. What differs makes a new version, in force from now on',
    body: planSchema,
    answers: { 200: { description: 'The plan as it is now', schema: planDocument } },
    async handle({ body, caller }, { pool, nowMs }) {
      requireOperator(caller);
      const plan = await declarePlan(pool, body, { actor: actorOf(caller), nowMs: nowMs() });
      return { status: 200, json: planJson(plan) };
    },
  }),
];
