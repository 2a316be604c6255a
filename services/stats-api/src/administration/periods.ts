import { findPeriod, listPeriods, type PeriodRow } from '@odometer/database/reading/periods';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { confinedTo, requireOrganization } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, month, rowId, slug } from '../http/schemas.ts';

const state = z.enum(['open', 'draft', 'closing', 'final']);

const periodMembers = {
  organization: slug,
  month,
  state,
  draftedAt: instant.nullable(),
  closingAt: instant.nullable(),
  finalAt: instant.nullable(),
  dueAt: instant.nullable().describe('when its grace is over; null until a worker has looked'),
  heldUpBy: z.array(z.string()).describe('why it is not closed yet, as of the last look'),
  forcedBy: z.string().nullable(),
  forcedReason: z.string().nullable(),
  exceededLimits: z.array(z.string()),
  overageCharge: figure.describe("of the organization's own limits, in minor units"),
  projectsOverageCharge: figure.describe("of its projects' limits, in minor units"),
  currency: z.string().nullable(),
};

const periodSchema = z.object(periodMembers);

const periodWithManifest = z.object({
  ...periodMembers,
  charges: z.array(z.unknown()).describe('a line for each limit with a price'),
  manifest: z.unknown().describe('what the close can be recomputed from; null until it is final'),
});

function periodJson<Row extends PeriodRow>(period: Row) {
  const { organizationId: _, overageCharge, projectsOverageCharge, ...row } = period;
  return {
    ...row,
    overageCharge: jsonFigure(overageCharge),
    projectsOverageCharge: jsonFigure(projectsOverageCharge),
  };
}

export const periodRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/periods',
    scope: 'read',
    summary: 'Months that have ended, by organization, the newest first',
    query: z.object({
      organization: slug.optional(),
      month: month.optional(),
      state: state.exclude(['open']).optional(),
      ...pageQuery,
    }),
    answers: { 200: { description: 'A page of periods', schema: pageOf(periodSchema) } },
    async handle({ query: { organization, limit, cursor, ...filter }, caller }, { pool }) {
      const rows = await listPeriods(pool, {
        organization: confinedTo(caller, organization),
        state: filter.state,
        month: filter.month,
        after: readCursor(z.tuple([month, rowId]), cursor),
        limit: limit + 1,
      });
      const key = (row: PeriodRow) => [row.month, row.organizationId];
      return { status: 200, json: toPage(rows, limit, key, periodJson) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/periods/:organization/:month',
    scope: 'read',
    summary: 'One month of an organization, with its manifest once it is final',
    params: z.object({ organization: slug, month }),
    answers: { 200: { description: 'The period', schema: periodWithManifest } },
    async handle({ params, caller }, { pool }) {
      const { organization } = params;
      requireOrganization(caller, organization);
      const found = await findPeriod(pool, organization, params.month);
      if (found === undefined) throw new OdometerError('organization_not_found', { organization });
      return { status: 200, json: periodJson(found) };
    },
  }),
];
