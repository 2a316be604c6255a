import { findDeadLetter, type StoredDeadLetter } from '@odometer/database/dead-letters';
import type { Pool } from '@odometer/database/pool';
import { belongsToAlone, listDeadLetterPage } from '@odometer/database/reading/dead-letters';
import { retryStoredDeadLetter } from '@odometer/database/retry-dead-letter';
import { OdometerError } from '@odometer/domain/errors';
import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import { retryDeadLetter } from '@odometer/queues/dead-letter';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { forbidden } from '../http/own-organization.ts';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { type AnyRoute, type ApiParts, type Caller, defineRoute } from '../http/route.ts';
import { instant, rowId } from '../http/schemas.ts';

const letterMembers = {
  id: rowId,
  queue: z.string(),
  jobId: z.string(),
  jobName: z.string(),
  attempts: z.int(),
  failedAt: instant,
  retriedAt: instant.nullable(),
};

const shared = 'null when it tells of other organizations, too';
const letterSchema = z.object({
  ...letterMembers,
  reason: z.string().nullable().describe(shared),
  items: z.int().nullable().describe(shared),
});

const letterWithPayload = z.object({
  ...letterMembers,
  reason: z.string(),
  items: z.int(),
  payload: z.string().describe('the job as JSON text'),
  epoch: z.string().nullable(),
  seq: z.string().nullable(),
});

const params = z.object({ id: rowId });

/** A letter holds the usage of whoever sent at the same moment: one that holds others' is not the key's to see. */
async function requireLetter(pool: Pool, { organization }: Caller, id: string): Promise<void> {
  if (organization !== null && !(await belongsToAlone(pool, id, organization))) throw forbidden();
}

export const deadLetterRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/dead-letters',
    scope: 'read',
    summary: 'Jobs that failed for good, the newest first',
    query: z.object(pageQuery),
    answers: { 200: { description: 'A page, without payloads', schema: pageOf(letterSchema) } },
    async handle({ query: { limit, cursor }, caller }, { pool }) {
      const rows = await listDeadLetterPage(pool, {
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
  defineRoute({
    method: 'get',
    path: '/api/v1/dead-letters/:id',
    scope: 'admin',
    summary: 'One of them, with its payload',
    params,
    answers: { 200: { description: 'The dead letter', schema: letterWithPayload } },
    async handle({ params: { id }, caller }, { pool }) {
      await requireLetter(pool, caller, id);
      const letter = await findDeadLetter(pool, id);
      if (letter === undefined) throw new OdometerError('dead_letter_not_found', { id });
      return { status: 200, json: letter };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/dead-letters/:id/retry',
    scope: 'admin',
    summary: 'Put one back into its queue; safe to repeat',
    params,
    answers: {
      200: {
        description: '`applied`: its batch has been applied since, there is nothing to do',
        schema: z.object({ id: rowId, outcome: z.enum(['retried', 'applied']) }),
      },
    },
    async handle({ params: { id }, caller }, parts) {
      await requireLetter(parts.pool, caller, id);
      const outcome = await retryStoredDeadLetter(parts.pool, id, actorOf(caller), (letter) =>
        enqueue(parts, letter),
      );
      return { status: 200, json: { id, outcome } };
    },
  }),
];

async function enqueue({ queue }: ApiParts, letter: StoredDeadLetter): Promise<void> {
  const name = QUEUE_NAMES.find((known) => known === letter.queue);
  if (name === undefined) throw new Error(`dead letter of an unknown queue: ${letter.queue}`);
  await retryDeadLetter(queue(name), letter);
}
