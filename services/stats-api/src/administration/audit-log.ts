import { listAuditLog } from '@odometer/database/reading/audit-log';
import { z } from 'zod';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { instant, rowId } from '../http/schemas.ts';

const entrySchema = z.object({
  id: rowId,
  at: instant,
  actor: z.string().describe('`key:<id>` or `cli:<user>`'),
  action: z.string(),
  subject: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

export const auditRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/audit',
    scope: 'admin',
    summary: 'What administrators did, the newest first',
    query: z.object(pageQuery),
    answers: { 200: { description: 'A page of the audit log', schema: pageOf(entrySchema) } },
    async handle({ query: { limit, cursor }, caller }, { pool }) {
      const rows = await listAuditLog(pool, {
        organization: caller.organization,
        after: readCursor(rowId, cursor),
        limit: limit + 1,
      });
      return {
        status: 200,
        json: toPage(
          rows,
          limit,
          ({ id }) => id,
          (row) => row,
        ),
      };
    },
  }),
];
