import type { Queryable } from '@odometer/database/pool';
import {
  type MonthlyStatsRow,
  type MonthPage,
  readOrganizationMonths,
  readProjectMonths,
} from '@odometer/database/reading/monthly-stats';
import { MONTHLY_AVERAGES, MONTHLY_STATS } from '@odometer/database/reading/stat-columns';
import { z } from 'zod';
import { findKnownOrganization } from '../http/find-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { firstDay, monthRange, monthRangeQuery } from '../http/ranges.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { month, slug } from '../http/schemas.ts';
import { figureMembers, figuresOf, nullableFigureMembers } from './figures.ts';

const query = z.object({ ...monthRangeQuery, ...pageQuery });

const answers = {
  200: {
    description: 'A page of months, the oldest first',
    schema: pageOf(
      z.object({
        month,
        ...figureMembers(MONTHLY_STATS),
        ...nullableFigureMembers(MONTHLY_AVERAGES),
        tier: z.string().nullable().describe('the plan, once the month is drafted'),
        exceeded_limits: z.array(z.string()),
        currency: z.string().nullable().describe('of `overage_charge`, which is in minor units'),
        state: z.enum(['open', 'draft', 'closing', 'final']),
      }),
    ),
  },
};

/** What is asked, checked before anybody is looked for. */
function pageOfMonths(asked: z.infer<typeof query>, nowMs: number): MonthPage {
  const after = readCursor(month, asked.cursor);
  return {
    ...monthRange(asked, nowMs),
    after: after === undefined ? undefined : firstDay(after),
    limit: asked.limit + 1,
  };
}

function monthJson(row: MonthlyStatsRow) {
  return {
    month: row.month,
    ...figuresOf([...MONTHLY_STATS, ...MONTHLY_AVERAGES], row.figures),
    tier: row.tier,
    exceeded_limits: row.exceededLimits,
    currency: row.currency,
    state: row.state,
  };
}

async function answer(
  read: (db: Queryable, id: string, page: MonthPage) => Promise<readonly MonthlyStatsRow[]>,
  db: Queryable,
  id: string,
  page: MonthPage,
) {
  const rows = await read(db, id, page);
  const json = toPage(rows, page.limit - 1, (row) => row.month, monthJson);
  return { status: 200, json } as const;
}

/** Months, with the columns of the views `monthly_stats` and `organization_monthly_stats`. */
export const monthlyRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/projects/:project/monthly',
    scope: 'read',
    summary: 'Months of a project, with peaks, averages and what they cost',
    params: z.object({ project: projectReference }),
    query,
    answers,
    async handle({ params, query: asked, caller }, { pool, nowMs }) {
      const page = pageOfMonths(asked, nowMs());
      const { id } = await findKnownProject(pool, caller, params.project);
      return answer(readProjectMonths, pool, id, page);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/organizations/:organization/monthly',
    scope: 'read',
    summary: 'Months of an organization, added up over its projects',
    params: z.object({ organization: slug }),
    query,
    answers,
    async handle({ params, query: asked, caller }, { pool, nowMs }) {
      const page = pageOfMonths(asked, nowMs());
      const { id } = await findKnownOrganization(pool, caller, params.organization);
      return answer(readOrganizationMonths, pool, id, page);
    },
  }),
];
