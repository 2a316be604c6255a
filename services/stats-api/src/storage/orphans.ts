import { recordAudit } from '@odometer/database/audit-log';
import { forgetDeletedOwner, recordDeletedOwners } from '@odometer/database/objects/deleted-owners';
import { listOrphans, type Orphan, type OrphanPosition } from '@odometer/database/objects/orphans';
import { inTransaction } from '@odometer/database/pool';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, slug } from '../http/schemas.ts';

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
  recordedBy: z.string().describe('who said so: event:<source>, or key:<id> of an API key'),
  recordedAt: instant,
});

function orphanJson({
  projectId: _projectId,
  bucketId: _bucketId,
  sizeBytes,
  ...orphan
}: Orphan): unknown {
  return { ...orphan, bytes: jsonFigure(sizeBytes) };
}

const number = (digits: number) => z.string().regex(new RegExp(`^\\d{1,${digits}}$`));
const position = z.tuple([number(18), z.string(), z.string(), number(9), z.string(), z.string()]);

/** @throws OdometerError `query_invalid` */
function readPosition(cursor: string | undefined): OrphanPosition | undefined {
  const read = readCursor(position, cursor);
  if (read === undefined) return undefined;
  const [projectId, objectType, objectId, bucketId, key, version] = read;
  return { projectId, objectType, objectId, bucketId: Number(bucketId), key, version };
}

function positionOf(orphan: OrphanPosition): unknown {
  const { projectId, objectType, objectId, bucketId, key, version } = orphan;
  return [projectId, objectType, objectId, String(bucketId), key, version];
}

const owner = {
  objectType: z.string().min(1).max(63),
  objectId: z.string().min(1).max(1_024),
};

export const orphanRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'post',
    path: '/api/v1/projects/:id/deleted-owners',
    scope: 'admin',
    summary:
      'Say that a scene, an upload … is deleted: what lies in buckets of it becomes orphaned',
    params: z.object({ id: projectReference }),
    body: z.strictObject({
      ...owner,
      deletedAt: instant.optional().describe('now, when it is not given'),
    }),
    answers: { 204: { description: 'It is recorded, now or before' } },
    async handle({ params, body: { objectType, objectId, deletedAt }, caller }, { pool, nowMs }) {
      const { id, organization, project } = await findKnownProject(pool, caller, params.id);
      const actor = actorOf(caller);
      const deletedAtMs = deletedAt === undefined ? nowMs() : Date.parse(deletedAt);
      await inTransaction(pool, async (transaction) => {
        await recordDeletedOwners(transaction, [
          { projectId: id, objectType, objectId, deletedAtMs, recordedBy: actor },
        ]);
        await recordAudit(transaction, {
          actor,
          action: 'owner.delete',
          subject: `${organization}/${project}`,
          detail: { objectType, objectId },
        });
      });
      return { status: 204 };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/projects/:id/deleted-owners',
    scope: 'admin',
    summary:
      'Take back that a scene, an upload … is deleted: what lies in buckets of it is no orphan any more',
    params: z.object({ id: projectReference }),
    query: z.object(owner),
    answers: {
      200: {
        description: 'It is not deleted, whether or not it was said to be',
        schema: z.object({ withdrawn: z.boolean().describe('whether it was said to be') }),
      },
    },
    async handle({ params, query: { objectType, objectId }, caller }, { pool }) {
      const { id, organization, project } = await findKnownProject(pool, caller, params.id);
      const withdrawn = await inTransaction(pool, async (transaction) => {
        const gone = { projectId: id, objectType, objectId };
        if (!(await forgetDeletedOwner(transaction, gone))) return false;
        await recordAudit(transaction, {
          actor: actorOf(caller),
          action: 'owner.undelete',
          subject: `${organization}/${project}`,
          detail: { objectType, objectId },
        });
        return true;
      });
      return { status: 200, json: { withdrawn } };
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
        ...(after === undefined ? {} : { after }),
        limit: limit + 1,
      });
      return { status: 200, json: toPage(rows, limit, positionOf, orphanJson) };
    },
  }),
];
