import { latestMeasurements } from '@odometer/database/measuring/measurements';
import { z } from 'zod';
import { requireInstallation } from '../http/own-organization.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { instant } from '../http/schemas.ts';

const measurementSchema = z.object({
  kind: z.enum(['bucket', 'registry', 'reading', 'cross_check']),
  target: z.string(),
  purpose: z.enum(['hourly', 'asked', 'backfill', 'reconcile']),
  state: z
    .enum(['running', 'complete', 'refused', 'failed'])
    .describe('refused: the result was not believed; failed: there is none, which is not zero'),
  startedAt: instant,
  finishedAt: instant.nullable(),
  figures: z.record(z.string(), z.unknown()),
  failure: z.string().nullable().describe('code of the error, see docs/errors.md'),
  detail: z.string().nullable(),
  completeAt: instant.nullable().describe('when the last complete one began; null: never'),
});

export const measurementRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/measurements',
    scope: 'read',
    summary: 'The newest measurement of each bucket, registry, reading and cross-check',
    answers: {
      200: {
        description: 'All of them, by kind and name',
        schema: z.object({ items: z.array(measurementSchema) }),
      },
    },
    async handle({ caller }, { pool }) {
      requireInstallation(caller);
      return { status: 200, json: { items: await latestMeasurements(pool) } };
    },
  }),
];
