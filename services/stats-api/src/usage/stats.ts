import { readOrganizationStats } from '@odometer/database/reading/organization-stats';
import { type MeterFigures, readProjectStats } from '@odometer/database/reading/project-stats';
import { ORGANIZATION_STATS, PROJECT_STATS } from '@odometer/database/reading/stat-columns';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { requireOrganization } from '../http/own-organization.ts';
import { notFound, projectReference, requireReference } from '../http/project-reference.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, month, rowId, slug } from '../http/schemas.ts';
import { figureMembers, figuresOf } from './figures.ts';

const projectStats = z.object({
  project_id: rowId,
  organization_id: rowId,
  organization: slug,
  project: slug,
  month,
  ...figureMembers(PROJECT_STATS),
  meters: z
    .record(z.string(), z.object({ unit: z.string(), month: figure, lifetime: figure }))
    .describe(
      'by slug: those without a column that have usage, which are s3_byte_hours, s3_object_count (both figures are the last reading), and the meters that were declared, without those of distinct values',
    ),
  updated_at: instant,
});

const organizationStats = z.object({
  organization_id: rowId,
  organization: slug,
  month,
  ...figureMembers(ORGANIZATION_STATS),
  updated_at: instant.nullable(),
});

function metersJson(meters: readonly MeterFigures[]) {
  return Object.fromEntries(
    meters.map(({ slug: name, unit, month: inMonth, lifetime }) => [
      name,
      { unit, month: jsonFigure(inMonth ?? '0'), lifetime: jsonFigure(lifetime ?? '0') },
    ]),
  );
}

/** The current month, resources and lifetime, with the columns of the views `project_stats` and `organization_stats`. */
export const statsRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/projects/:project/stats',
    scope: 'read',
    summary: 'A project now: the current month, its resources, and its lifetime',
    params: z.object({ project: projectReference }),
    answers: { 200: { description: 'The row of project_stats', schema: projectStats } },
    async handle({ params: { project }, caller }, { pool }) {
      requireReference(caller, project);
      const row = await readProjectStats(pool, project, caller.organization);
      if (row === undefined) throw notFound(caller, project);
      return {
        status: 200,
        json: {
          project_id: row.id,
          organization_id: row.organizationId,
          organization: row.organization,
          project: row.project,
          month: row.month,
          ...figuresOf(PROJECT_STATS, row.figures),
          meters: metersJson(row.meters),
          updated_at: row.updatedAt,
        },
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/organizations/:organization/stats',
    scope: 'read',
    summary: 'An organization now: the current month, its resources, and its lifetime',
    params: z.object({ organization: slug }),
    answers: { 200: { description: 'The row of organization_stats', schema: organizationStats } },
    async handle({ params: { organization }, caller }, { pool }) {
      requireOrganization(caller, organization);
      const row = await readOrganizationStats(pool, organization);
      if (row === undefined) throw new OdometerError('organization_not_found', { organization });
      return {
        status: 200,
        json: {
          organization_id: row.id,
          organization,
          month: row.month,
          ...figuresOf(ORGANIZATION_STATS, row.figures),
          updated_at: row.updatedAt,
        },
      };
    },
  }),
];
