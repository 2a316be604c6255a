import {
  findOrganization,
  listOrganizations,
  type OrganizationRow,
} from '@odometer/database/reading/organizations';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { requireOrganization } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, rowId, slug } from '../http/schemas.ts';

export const organizationSchema = z
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

export function organizationJson({ users, ...row }: OrganizationRow) {
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
      requireOrganization(caller, organization);
      const found = await findOrganization(pool, organization);
      if (found === undefined) throw new OdometerError('organization_not_found', { organization });
      return { status: 200, json: organizationJson(found) };
    },
  }),
];
