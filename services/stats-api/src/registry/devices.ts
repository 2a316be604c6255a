import { recordAudit } from '@odometer/database/audit-log';
import { declareDevice } from '@odometer/database/declare-device';
import { inTransaction } from '@odometer/database/pool';
import { findDevice, listDevices } from '@odometer/database/reading/devices';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { confinedTo } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { instant, rowId, slug } from '../http/schemas.ts';
import { attributeUsage } from './attribute-usage.ts';

const deviceSchema = z.object({
  id: rowId,
  organization: slug,
  projectId: rowId,
  project: slug,
  device: slug,
  discovered: z.boolean(),
  firstSeenAt: instant.describe('or when it was registered'),
  lastSeenAt: instant.nullable().describe('to the minute'),
});

export const deviceRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/devices',
    scope: 'read',
    summary: 'Devices, the oldest first',
    query: z.object({
      organization: slug.optional(),
      project: projectReference.optional(),
      ...pageQuery,
    }),
    answers: { 200: { description: 'A page of devices', schema: pageOf(deviceSchema) } },
    async handle({ query: { organization, project, limit, cursor }, caller }, { pool }) {
      const confined = confinedTo(caller, organization);
      const after = readCursor(rowId, cursor);
      const found = project && (await findKnownProject(pool, caller, project));
      const rows = await listDevices(pool, {
        organization: confined,
        projectId: found?.id,
        after,
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
  defineRoute({
    method: 'post',
    path: '/api/v1/devices',
    scope: 'admin',
    summary: 'Register a device of a registered project; usage that was kept for it is applied',
    body: z.strictObject({ project: projectReference, device: slug }),
    answers: {
      200: { description: 'It was registered before', schema: deviceSchema },
      201: { description: 'It is registered', schema: deviceSchema },
    },
    async handle({ body: { project: reference, device }, caller }, { pool, log, queue }) {
      const { id, organization, project } = await findKnownProject(pool, caller, reference);
      const answer = await inTransaction(pool, async (transaction) => {
        const before = await findDevice(transaction, id, device);
        const changed = await declareDevice(transaction, id, device);
        const after = await findDevice(transaction, id, device);
        if (changed) {
          await recordAudit(transaction, {
            actor: actorOf(caller),
            action: before === undefined ? 'device.create' : 'device.update',
            subject: `${organization}/${project}/${device}`,
          });
        }
        return { status: before === undefined ? 201 : 200, json: after } as const;
      });
      await attributeUsage(queue('registry'), { organization, project }, log);
      return answer;
    },
  }),
];
