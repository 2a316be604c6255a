import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { declareProject } from '@odometer/database/project-declarations';
import { findProject, listProjects, type ProjectRow } from '@odometer/database/reading/projects';
import type { ProjectName } from '@odometer/database/registry';
import { OdometerError } from '@odometer/domain/errors';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { forbidden, requireOrganization } from '../http/own-organization.ts';
import { type AnyRoute, type Caller, defineRoute } from '../http/route.ts';
import { instant, rowId } from '../http/schemas.ts';
import { attributeUsage } from '../registry/attribute-usage.ts';
import { subjectKey, subjectKeySchema, subjectProject } from './subject-key.ts';

const PAGE = 10_000;
/** A request is answered within seconds. */
const MAX_UPSERTS = 1_000;

const subjectSchema = z.object({
  id: rowId,
  key: z.string(),
  displayName: z.string().nullable(),
  metadata: z.null().describe('not kept'),
  createdAt: instant,
  updatedAt: instant,
});

const upsertBody = z
  .array(
    z.strictObject({
      key: subjectKeySchema,
      displayName: z.string().min(1).max(255).nullish(),
      metadata: z.record(z.string(), z.unknown()).nullish().describe('not kept'),
      currentPeriodStart: z.string().optional().describe('not kept'),
      currentPeriodEnd: z.string().optional().describe('not kept'),
      stripeCustomerId: z.string().nullish().describe('not kept'),
    }),
  )
  .min(1)
  .max(MAX_UPSERTS);

export const subjectRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/subjects',
    scope: 'read',
    summary: 'Subjects: the projects that are not archived, as OpenMeter calls them',
    answers: { 200: { description: 'All subjects', schema: z.array(subjectSchema) } },
    async handle({ caller }, { pool }) {
      const projects = await listAll(pool, caller.organization);
      const living = projects.filter(({ archivedAt }) => archivedAt === null);
      return { status: 200, json: living.map((project) => subjectJson(project, caller)) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/subjects',
    scope: 'admin',
    summary: 'Register projects; usage that was kept for them is applied',
    body: upsertBody,
    answers: { 200: { description: 'The subjects', schema: z.array(subjectSchema) } },
    async handle({ body, caller }, { pool, log, queue }) {
      const wanted = body.map(({ key, displayName }) => {
        const named = subjectProject(key, caller);
        if (named === undefined) throw notFound(key);
        requireOrganization(caller, named.organization);
        return { named, displayName };
      });
      const subjects = await inTransaction(pool, async (transaction) => {
        const registered: ProjectRow[] = [];
        for (const { named, displayName } of wanted) {
          registered.push(await register(transaction, named, displayName, caller));
        }
        return registered;
      });
      for (const { named } of wanted) await attributeUsage(queue('registry'), named, log);
      return { status: 200, json: subjects.map((project) => subjectJson(project, caller)) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/subjects/:subject',
    scope: 'read',
    summary: 'One subject',
    params: z.object({ subject: z.string().min(1).max(255).describe('its key or id') }),
    answers: { 200: { description: 'The subject', schema: subjectSchema } },
    async handle({ params: { subject }, caller }, { pool }) {
      const project = await findSubject(pool, subject, caller);
      return { status: 200, json: subjectJson(project, caller) };
    },
  }),
];

async function listAll(pool: Pool, organization: string | null): Promise<readonly ProjectRow[]> {
  const projects: ProjectRow[] = [];
  for (let after: string | undefined; ; ) {
    const page = await listProjects(pool, { organization, after, limit: PAGE });
    projects.push(...page);
    after = page.at(-1)?.id;
    if (page.length < PAGE) return projects;
  }
}

/** A name that is not given stays as it is. */
async function register(
  transaction: Transaction,
  named: ProjectName,
  displayName: string | null | undefined,
  caller: Caller,
): Promise<ProjectRow> {
  const before = await findProject(transaction, named, null);
  const name = displayName === undefined ? (before?.name ?? null) : displayName;
  await declareProject(transaction, { ...named, name });
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
  return after;
}

/**
 * By its key; by its id when no project is called like that.
 *
 * @throws OdometerError `organization_forbidden`, `project_not_found`
 */
async function findSubject(pool: Pool, text: string, caller: Caller): Promise<ProjectRow> {
  const named = subjectProject(text, caller);
  if (named === undefined) throw notFound(text);
  requireOrganization(caller, named.organization);
  const byKey = await findProject(pool, named, caller.organization);
  if (byKey !== undefined) return byKey;
  if (!rowId.safeParse(text).success) throw notFound(text);
  const byId = await findProject(pool, { id: text }, caller.organization);
  if (byId !== undefined) return byId;
  throw caller.organization === null ? notFound(text) : forbidden();
}

function notFound(project: string): OdometerError {
  return new OdometerError('project_not_found', { project });
}

function subjectJson(project: ProjectRow, caller: Caller): unknown {
  const { id, name, createdAt } = project;
  return {
    id,
    key: subjectKey(project, caller),
    displayName: name,
    metadata: null,
    createdAt,
    updatedAt: createdAt,
  };
}
