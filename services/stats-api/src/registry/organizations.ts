import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction } from '@odometer/database/pool';
import { declareOrganization } from '@odometer/database/project-declarations';
import {
  findOrganization,
  listOrganizations,
  type OrganizationRow,
} from '@odometer/database/reading/organizations';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { findKnownOrganization } from '../http/find-organization.ts';
import { requireOrganization } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, personalName, rowId, slug } from '../http/schemas.ts';

const organizationSchema = z
  .object({
    id: rowId,
    organization: slug,
    name: z.string().nullable(),
    discovered: z.boolean().describe('created on first sight; false once somebody has declared it'),
    users: figure,
    createdAt: instant,
    archivedAt: instant.nullable(),
  })
  .meta({ id: 'Organization' });

function organizationJson({ users, ...row }: OrganizationRow) {
  return { ...row, users: jsonFigure(users) };
}

export const organizationRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/organizations',
    scope: 'read',
    summary: 'Organizations, the oldest first',
    query: z.object(pageQuery),
    answers: {
      200: { description: 'A page of organizations', schema: pageOf(organizationSchema) },
    },
    async handle({ query: { limit, cursor }, caller }, { pool }) {
      const rows = await listOrganizations(pool, {
        organization: caller.organization,
        after: readCursor(rowId, cursor),
        limit: limit + 1,
      });
      return { status: 200, json: toPage(rows, limit, ({ id }) => id, organizationJson) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/organizations/:organization',
    scope: 'read',
    summary: 'One organization',
    params: z.object({ organization: slug }),
    answers: { 200: { description: 'The organization', schema: organizationSchema } },
    async handle({ params: { organization }, caller }, { pool }) {
      const found = await findKnownOrganization(pool, caller, organization);
      return { status: 200, json: organizationJson(found) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/organizations',
    scope: 'admin',
    summary: 'Register an organization; one that was discovered becomes a declared one',
    body: z.strictObject({ organization: slug, name: personalName.optional() }),
    answers: {
      200: { description: 'It was registered before', schema: organizationSchema },
      201: { description: 'It is registered', schema: organizationSchema },
    },
    async handle({ body: { organization, name }, caller }, { pool }) {
      requireOrganization(caller, organization);
      return inTransaction(pool, async (transaction) => {
        const before = await findOrganization(transaction, organization);
        await declareOrganization(transaction, organization, name ?? before?.name ?? null);
        const after = await findOrganization(transaction, organization);
        if (after === undefined)
          throw new Error('the organization is not there after its creation');
        if (before?.discovered !== after.discovered || before.name !== after.name) {
          await recordAudit(transaction, {
            actor: actorOf(caller),
            action: before === undefined ? 'organization.create' : 'organization.update',
            subject: organization,
            detail: { name: after.name },
          });
        }
        return { status: before === undefined ? 201 : 200, json: organizationJson(after) };
      });
    },
  }),
];
