import { recordAudit } from '@odometer/database/audit-log';
import {
  listOrphans,
  type Orphan,
  recordDeletedOwners,
} from '@odometer/database/objects/deleted-owners';
import { inTransaction } from '@odometer/database/pool';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { pageOf, pageQuery, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, slug } from '../http/schemas.ts';
import { readPosition } from './objects.ts';

const orphanSchema = z.object({
  bucket: z.string().describe('as it is declared'),
  key: z.string().describe('or its hash, where the ledger is hashed'),
  version: z.string().describe('empty for the null version'),
  organization: slug,
  project: slug,
  objectType: z.string(),
  objectId: z.string(),
  bytes: figure,
  deletedAt: instant,
});

function orphanJson({ bucketId: _bucketId, sizeBytes, ...orphan }: Orphan): unknown {
  return { ...orphan, bytes: jsonFigure(sizeBytes) };
}

export const orphanRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'post',
    path: '/api/v1/projects/:id/deleted-owners',
    scope: 'admin',
    summary:
      'Say that a scene, an upload … is deleted: what lies in buckets of it becomes orphaned',
    params: z.object({ id: projectReference }),
    body: z.strictObject({
      objectType: z.string().min(1).max(63),
      objectId: z.string().min(1).max(1_024),
      deletedAt: instant.optional().describe('now, when it is not given'),
    }),
    answers: { 204: { description: 'It is recorded, now or before' } },
    async handle({ params, body: { objectType, objectId, deletedAt }, caller }, { pool, nowMs }) {
      const { id, organization, project } = await findKnownProject(pool, caller, params.id);
      const deletedAtMs = deletedAt === undefined ? nowMs() : Date.parse(deletedAt);
      await inTransaction(pool, async (transaction) => {
        await recordDeletedOwners(transaction, [
          { projectId: id, objectType, objectId, deletedAtMs },
        ]);
        await recordAudit(transaction, {
          actor: actorOf(caller),
          action: 'owner.delete',
          subject: `${organization}/${project}`,
          detail: { objectType, objectId },
        });
      });
      return { status: 204 };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/projects/:id/orphans',
    scope: 'read',
    summary: 'Live objects of a project whose owners are deleted',
    params: z.object({ id: projectReference }),
    query: z.object(pageQuery),
    answers: { 200: { description: 'A page of objects', schema: pageOf(orphanSchema) } },
    async handle({ params, query: { limit, cursor }, caller }, { pool }) {
      const { id } = await findKnownProject(pool, caller, params.id);
      const after = readPosition(cursor);
      const rows = await listOrphans(pool, {
        projectId: id,
        ...(after === undefined ? {} : { after: { ...after, bucketId: Number(after.bucketId) } }),
        limit: limit + 1,
      });
      const positionOf = ({ bucketId, key, version }: Orphan) => [String(bucketId), key, version];
      return { status: 200, json: toPage(rows, limit, positionOf, orphanJson) };
    },
  }),
];
