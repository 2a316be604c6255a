import { type AdjustmentRow, listAdjustments } from '@odometer/database/reading/adjustments';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { confinedTo } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, month, rowId, slug } from '../http/schemas.ts';

const adjustmentSchema = z.object({
  id: rowId,
  organization: slug,
  projectId: rowId,
  project: slug,
  meter: z.string(),
  unit: z.string(),
  hour: instant.describe('to which it belongs'),
  billedMonth: month.describe('the month that was open when it came'),
  sum: figure,
  count: figure,
  min: figure.nullable(),
  max: figure.nullable(),
  last: figure.nullable(),
  createdAt: instant,
});

function adjustmentJson({ sum, count, min, max, last, ...row }: AdjustmentRow) {
  const nullable = (text: string | null) => (text === null ? null : jsonFigure(text));
  return {
    ...row,
    sum: jsonFigure(sum),
    count: jsonFigure(count),
    min: nullable(min),
    max: nullable(max),
    last: nullable(last),
  };
}

export const adjustmentRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/adjustments',
    scope: 'read',
    summary: 'Usage that came after its month was closed, the newest first',
    query: z.object({
      organization: slug.optional(),
      project: projectReference.optional(),
      billedMonth: month.optional(),
      ...pageQuery,
    }),
    answers: { 200: { description: 'A page of adjustments', schema: pageOf(adjustmentSchema) } },
    async handle({ query: { organization, project, billedMonth, ...page }, caller }, { pool }) {
      const confined = confinedTo(caller, organization);
      const after = readCursor(rowId, page.cursor);
      const found = project && (await findKnownProject(pool, caller, project));
      const rows = await listAdjustments(pool, {
        organization: confined,
        projectId: found?.id,
        billedMonth,
        after,
        limit: page.limit + 1,
      });
      return { status: 200, json: toPage(rows, page.limit, ({ id }) => id, adjustmentJson) };
    },
  }),
];
