import { listDeviceUsage } from '@odometer/database/reading/device-usage';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { dayRange, dayRangeQuery } from '../http/ranges.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { date, figure, rowId, slug } from '../http/schemas.ts';

const key = z.tuple([rowId, z.int().min(1).max(32_767), date]);

export const deviceUsageRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/projects/:project/devices',
    scope: 'read',
    summary: 'What each device of a project used, by meter and day',
    params: z.object({ project: projectReference }),
    query: z.object({
      device: slug.optional(),
      meter: z.string().max(64).optional().describe("a meter's slug"),
      ...dayRangeQuery,
      ...pageQuery,
    }),
    answers: {
      200: {
        description: 'A page, ordered by device, meter and day',
        schema: pageOf(
          z.object({
            device: slug,
            meter: z.string(),
            unit: z.string(),
            date,
            sum: figure,
            count: figure,
          }),
        ),
      },
    },
    async handle({ params, query: asked, caller }, { pool, nowMs }) {
      const range = dayRange(asked, nowMs());
      const after = readCursor(key, asked.cursor);
      const { id } = await findKnownProject(pool, caller, params.project);
      const { device, meter, limit } = asked;
      const rows = await listDeviceUsage(pool, id, {
        ...range,
        device,
        meter,
        after,
        limit: limit + 1,
      });
      const json = toPage(
        rows,
        limit,
        (row) => [row.deviceId, row.meterId, row.date],
        ({ deviceId: _, meterId: __, sum, count, ...row }) => ({
          ...row,
          sum: jsonFigure(sum),
          count: jsonFigure(count),
        }),
      );
      return { status: 200, json };
    },
  }),
];
