import { recordAudit } from '@odometer/database/audit-log';
import { assignPlan, setUsers } from '@odometer/database/limits/organization-plan';
import { inTransaction } from '@odometer/database/pool';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { slug } from '../http/schemas.ts';
import { requireOperator } from './plans.ts';

const params = z.object({ organization: slug });

export const organizationTermRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'put',
    path: '/api/v1/organizations/:organization/plan',
    scope: 'admin',
    summary:
      'Give an organization a plan from now on, or none (null); not with a key that is bound to an organization',
    params,
    body: z.strictObject({ plan: z.string().max(63).nullable() }),
    answers: {
      200: {
        description: 'Its plan',
        schema: z.object({ organization: slug, plan: z.string().nullable() }),
      },
    },
    async handle({ params: { organization }, body: { plan }, caller }, { pool, nowMs }) {
      requireOperator(caller);
      await inTransaction(pool, async (transaction) => {
        const from = await assignPlan(transaction, organization, plan, nowMs());
        if (from === plan) return;
        await recordAudit(transaction, {
          actor: actorOf(caller),
          action: 'organization.plan',
          subject: organization,
          detail: { from, to: plan },
        });
      });
      return { status: 200, json: { organization, plan } };
    },
  }),
  defineRoute({
    method: 'put',
    path: '/api/v1/organizations/:organization/users',
    scope: 'admin',
    summary:
      'Tell how many users an organization has from now on; not with a key that is bound to an organization',
    params,
    body: z.strictObject({ users: z.int().min(0) }),
    answers: {
      200: {
        description: 'How many it has',
        schema: z.object({ organization: slug, users: z.int() }),
      },
    },
    async handle({ params: { organization }, body: { users }, caller }, { pool, nowMs }) {
      requireOperator(caller);
      await inTransaction(pool, async (transaction) => {
        const from = await setUsers(transaction, organization, users, nowMs());
        if (from === users) return;
        await recordAudit(transaction, {
          actor: actorOf(caller),
          action: 'organization.users',
          subject: organization,
          detail: { from, to: users },
        });
      });
      return { status: 200, json: { organization, users } };
    },
  }),
];
