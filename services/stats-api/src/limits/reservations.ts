import { randomUUID } from 'node:crypto';
import { answerFigures } from '@odometer/database/limits/limit-figures';
import { releaseReservation, reserve } from '@odometer/database/limits/reservations';
import { OdometerError } from '@odometer/domain/errors';
import {
  DEFAULT_RESERVATION_SECONDS,
  MAX_RESERVATION_SECONDS,
} from '@odometer/domain/limits/reservation';
import { z } from 'zod';
import { forbidden, requireOrganization } from '../http/own-organization.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { instant } from '../http/schemas.ts';
import { answerMembers, quantity, question } from './limit-schemas.ts';

/** Who reports usage may ask for room for it: it could take the room by using it, too. */
const SCOPE = 'ingest';

export const reservationRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'post',
    path: '/api/v1/limits/reserve',
    scope: SCOPE,
    summary: 'Reserve room under every hard limit, until usage carries its id or it expires',
    body: z.strictObject({
      ...question,
      quantity: quantity.refine((value) => value !== 0n, 'value is 0'),
      expiresInSeconds: z
        .int()
        .min(1)
        .max(MAX_RESERVATION_SECONDS)
        .default(DEFAULT_RESERVATION_SECONDS),
      id: z
        .guid()
        .toLowerCase()
        .optional()
        .describe('asking again with the same id answers the same'),
    }),
    answers: {
      200: {
        description:
          'Reserved, or refused: then `allowed` is false, `id` null and nothing is stored',
        schema: z.object({
          id: z.guid().nullable(),
          expiresAt: instant.nullable(),
          state: z.enum(['open', 'released', 'expired']).nullable(),
          ...answerMembers,
        }),
      },
    },
    async handle({ body: { meter, id = randomUUID(), ...asked }, caller }, { pool, nowMs }) {
      requireOrganization(caller, asked.organization);
      const answer = await reserve(pool, { ...asked, resource: meter, id }, nowMs());
      const { reservation } = answer;
      return {
        status: 200,
        json: {
          id: reservation?.id ?? null,
          expiresAt:
            reservation === undefined ? null : new Date(reservation.expiresAtMs).toISOString(),
          state: reservation?.state ?? null,
          ...answerFigures(answer),
        },
      };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/limits/reservations/:id',
    scope: SCOPE,
    summary: 'Give back room that is not going to be used',
    params: z.object({ id: z.guid().toLowerCase() }),
    answers: { 204: { description: 'It is released, now or before' } },
    async handle({ params: { id }, caller }, { pool, nowMs }) {
      const { organization } = caller;
      if (await releaseReservation(pool, id, organization, nowMs())) return { status: 204 };
      // A bound key does not learn whether it is somebody else's or nobody's.
      throw organization === null
        ? new OdometerError('reservation_not_found', { id })
        : forbidden();
    },
  }),
];
