import { type GapRow, listGapPage } from '@odometer/database/reading/gaps';
import { z } from 'zod';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { type AnyRoute, type Caller, defineRoute } from '../http/route.ts';
import { instant, rowId } from '../http/schemas.ts';

const ours = 'null for a key that is bound to an organization: it is of the whole installation';
const gapSchema = z.object({
  id: rowId,
  reason: z.string(),
  startedAt: instant.nullable().describe('null when nothing is known'),
  endedAt: instant,
  recordedAt: instant,
  source: z.string().nullable().describe(ours),
  epoch: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()).nullable().describe(ours),
});

/** When something may be missing concerns everybody, whose counter it was does not. */
function gapJson(caller: Caller): (row: GapRow) => unknown {
  return caller.organization === null
    ? (row) => row
    : (row) => ({ ...row, source: null, epoch: null, detail: null });
}

export const gapRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/gaps',
    scope: 'read',
    summary: 'Where something may be missing, the newest first',
    query: z.object(pageQuery),
    answers: { 200: { description: 'A page of gaps', schema: pageOf(gapSchema) } },
    async handle({ query: { limit, cursor }, caller }, { pool }) {
      const rows = await listGapPage(pool, { after: readCursor(rowId, cursor), limit: limit + 1 });
      return { status: 200, json: toPage(rows, limit, ({ id }) => id, gapJson(caller)) };
    },
  }),
];
