import { type ListedRun, listRunPage, RUN_STATES } from '@odometer/database/posthoc/posthoc-runs';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { requireInstallation } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, rowId } from '../http/schemas.ts';

const runSchema = z.object({
  id: rowId,
  metric: z.string(),
  windowStart: instant,
  windowEnd: instant.describe('exclusive'),
  revision: z.int().describe('1, 2, 3 … of the window'),
  state: z
    .enum(RUN_STATES)
    .describe('done: all is counted; failed: is tried again; held: the answer is not believed'),
  attempt: z.int(),
  asOf: instant.nullable().describe('when the query was asked; null: it was not yet'),
  rows: figure.nullable(),
  unmatchedLines: figure.nullable().describe('that could not be read, and so are in no row'),
  scannedBytes: figure.nullable(),
  logFiles: z.int().nullable().describe('that were read; null: the engine does not say'),
  total: figure.nullable().describe('sum of the answer'),
  events: figure.nullable().describe('that were shipped, because something has changed'),
  difference: figure.nullable().describe('sum of these events, negative when it is less now'),
  failure: z.string().nullable().describe('code of the error, see docs/errors.md'),
  detail: z.string().nullable(),
  plannedAt: instant,
  finishedAt: instant.nullable(),
});

function runJson(run: ListedRun): unknown {
  const nullable = (text: string | null) => (text === null ? null : jsonFigure(text));
  return {
    ...run,
    rows: nullable(run.rows),
    unmatchedLines: nullable(run.unmatchedLines),
    scannedBytes: nullable(run.scannedBytes),
    total: nullable(run.total),
    events: nullable(run.events),
    difference: nullable(run.difference),
  };
}

export const posthocRunRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/posthoc/runs',
    scope: 'read',
    summary: 'Runs of post-hoc metrics, those that were planned last first',
    query: z.object({
      metric: z.string().max(63).optional().describe('its declared name'),
      state: z.enum(RUN_STATES).optional(),
      ...pageQuery,
    }),
    answers: { 200: { description: 'A page of runs', schema: pageOf(runSchema) } },
    async handle({ query: { metric, state, limit, cursor }, caller }, { pool }) {
      requireInstallation(caller);
      const after = readCursor(rowId, cursor);
      const rows = await listRunPage(pool, { metric, state, after, limit: limit + 1 });
      return { status: 200, json: toPage(rows, limit, ({ id }) => id, runJson) };
    },
  }),
];
