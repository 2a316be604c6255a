import { archiveProject } from '@odometer/database/archive-project';
import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction } from '@odometer/database/pool';
import { declareProject } from '@odometer/database/project-declarations';
import { findProject, listProjects, type ProjectRow } from '@odometer/database/reading/projects';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { confinedTo, requireOrganization } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { instant, personalName, rowId, slug } from '../http/schemas.ts';
import { attributeUsage } from './attribute-usage.ts';

const projectSchema = z.object({
  id: rowId,
  organization: slug,
  project: slug,
  name: z.string().nullable(),
  discovered: z.boolean().describe('created on first sight; false once somebody has declared it'),
  createdAt: instant,
  archivedAt: instant.nullable(),
});

const params = z.object({ project: projectReference });

function projectJson({ organizationId: _, ...row }: ProjectRow) {
  return row;
}

export const projectRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/projects',
    scope: 'read',
    summary: 'Projects, the oldest first',
    query: z.object({ organization: slug.optional(), ...pageQuery }),
    answers: { 200: { description: 'A page of projects', schema: pageOf(projectSchema) } },
    async handle({ query: { organization, limit, cursor }, caller }, { pool }) {
      const rows = await listProjects(pool, {
        organization: confinedTo(caller, organization),
        after: readCursor(rowId, cursor),
        limit: limit + 1,
      });
      return { status: 200, json: toPage(rows, limit, ({ id }) => id, projectJson) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/projects/:project',
    scope: 'read',
    summary: 'One project',
    params,
    answers: { 200: { description: 'The project', schema: projectSchema } },
    async handle({ params: { project }, caller }, { pool }) {
      return { status: 200, json: projectJson(await findKnownProject(pool, caller, project)) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/projects',
    scope: 'admin',
    summary: 'Register a project, with its organization; usage that was kept for it is applied',
    body: z.strictObject({ organization: slug, project: slug, name: personalName.optional() }),
    answers: {
      200: { description: 'It was registered before', schema: projectSchema },
      201: { description: 'It is registered', schema: projectSchema },
    },
    async handle({ body: { name, ...named }, caller }, { pool, log, queue }) {
      requireOrganization(caller, named.organization);
      const answer = await inTransaction(pool, async (transaction) => {
        const before = await findProject(transaction, named, null);
        await declareProject(transaction, { ...named, name: name ?? before?.name ?? null });
        const after = await findProject(transaction, named, null);
        if (after === undefined) throw new Error('the project is not there after its creation');
        if (before?.discovered !== after.discovered || before.name !== after.name) {
          await recordAudit(transaction, {
            actor: actorOf(caller),
            action: before === undefined ? 'project.create' : 'project.update',
            subject: `${named.organization}/${named.project}`,
            detail: { name: after.name },
          });
        }
        return { status: before === undefined ? 201 : 200, json: projectJson(after) } as const;
      });
      await attributeUsage(queue('registry'), named, log);
      return answer;
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/projects/:project/archive',
    scope: 'admin',
    summary:
      'Archive a project: it has no days and months after this one; what still comes, counts',
    params,
    answers: { 200: { description: 'The project, archived', schema: projectSchema } },
    async handle({ params: { project }, caller }, { pool, nowMs }) {
      const found = await findKnownProject(pool, caller, project);
      await inTransaction(pool, async (transaction) => {
        if (!(await archiveProject(transaction, found.id, nowMs()))) return;
        await recordAudit(transaction, {
          actor: actorOf(caller),
          action: 'project.archive',
          subject: `${found.organization}/${found.project}`,
        });
      });
      return { status: 200, json: projectJson(await findKnownProject(pool, caller, project)) };
    },
  }),
];
