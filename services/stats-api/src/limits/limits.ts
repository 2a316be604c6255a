import { checkLimit } from '@odometer/database/limits/check-limit';
import { answerFigures, limitsFigures } from '@odometer/database/limits/limit-figures';
import { readLimits } from '@odometer/database/limits/read-limits';
import { z } from 'zod';
import { requireOrganization } from '../http/own-organization.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { slug } from '../http/schemas.ts';
import {
  answerMembers,
  limitSchema,
  planInForceSchema,
  quantity,
  question,
} from './limit-schemas.ts';

export const limitRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/limits',
    scope: 'read',
    summary: 'Every limit of an organization, and of one of its projects, with what is used of it',
    query: z.object({ organization: slug, project: slug.optional() }),
    answers: {
      200: {
        description: 'The plan in force and its limits',
        schema: z.object({ plan: planInForceSchema.nullable(), limits: z.array(limitSchema) }),
      },
    },
    async handle({ query, caller }, { pool, nowMs }) {
      requireOrganization(caller, query.organization);
      return { status: 200, json: limitsFigures(await readLimits(pool, query, nowMs())) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/limits/check',
    scope: 'read',
    summary: 'May so much more be used? Changes nothing and promises nothing: see reserve',
    body: z.strictObject({ ...question, quantity }),
    answers: {
      200: { description: 'Yes or no, and why', schema: z.object(answerMembers) },
    },
    async handle({ body: { meter, ...asked }, caller }, { pool, nowMs }) {
      requireOrganization(caller, asked.organization);
      const answer = await checkLimit(pool, { ...asked, resource: meter }, nowMs());
      return { status: 200, json: answerFigures(answer) };
    },
  }),
];
