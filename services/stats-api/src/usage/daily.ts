import type { Queryable } from '@odometer/database/pool';
import {
  type DailyStatsRow,
  type DayPage,
  readOrganizationDays,
  readProjectDays,
} from '@odometer/database/reading/daily-stats';
import { DAILY_STATS } from '@odometer/database/reading/stat-columns';
import { z } from 'zod';
import { findKnownOrganization } from '../http/find-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { dayRange, dayRangeQuery } from '../http/ranges.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { date, slug } from '../http/schemas.ts';
import { figureMembers, figuresOf } from './figures.ts';

const query = z.object({ ...dayRangeQuery, ...pageQuery });

const answers = {
  200: {
    description: 'A page of days, the oldest first',
    schema: pageOf(
      z.object({
        date,
        ...figureMembers(DAILY_STATS),
        final: z.boolean().describe('whether its month is final, so that it never changes again'),
      }),
    ),
  },
};

/** What is asked, checked before anybody is looked for. */
function pageOfDays(asked: z.infer<typeof query>, nowMs: number): DayPage {
  const after = readCursor(date, asked.cursor);
  return { ...dayRange(asked, nowMs), after, limit: asked.limit + 1 };
}

async function answer(
  read: (db: Queryable, id: string, page: DayPage) => Promise<readonly DailyStatsRow[]>,
  db: Queryable,
  id: string,
  page: DayPage,
) {
  const json = toPage(
    await read(db, id, page),
    page.limit - 1,
    (row) => row.date,
    ({ date: day, figures, final }) => ({ date: day, ...figuresOf(DAILY_STATS, figures), final }),
  );
  return { status: 200, json } as const;
}

/** Days, with the columns of the views `daily_stats` and `organization_daily_stats`. */
export const dailyRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/projects/:project/daily',
    scope: 'read',
    summary: 'Days of a project, those without usage with their zeros',
    params: z.object({ project: projectReference }),
    query,
    answers,
    async handle({ params, query: asked, caller }, { pool, nowMs }) {
      const page = pageOfDays(asked, nowMs());
      const { id } = await findKnownProject(pool, caller, params.project);
      return answer(readProjectDays, pool, id, page);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/organizations/:organization/daily',
    scope: 'read',
    summary: 'Days of an organization, added up over its projects',
    params: z.object({ organization: slug }),
    query,
    answers,
    async handle({ params, query: asked, caller }, { pool, nowMs }) {
      const page = pageOfDays(asked, nowMs());
      const { id } = await findKnownOrganization(pool, caller, params.organization);
      return answer(readOrganizationDays, pool, id, page);
    },
  }),
];
