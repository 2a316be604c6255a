import {
  listPosthocProgress,
  type PosthocProgress,
} from '@odometer/database/posthoc/posthoc-metrics';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { z } from 'zod';
import { requireInstallation } from '../http/own-organization.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { instant } from '../http/schemas.ts';

const ours = 'null when another version has declared it';
const metricSchema = z.object({
  name: z.string(),
  engine: z.string().nullable().describe(ours),
  meter: z.string().nullable().describe('of which it is the only source'),
  window: z.enum(['hour', 'day']).nullable(),
  revisions: z.array(z.string()).describe('how long after its end a window is asked for'),
  paused: z.boolean().nullable().describe(ours),
  firstWindow: instant,
  answeredUntil: instant
    .nullable()
    .describe('end of the newest window that has a believed answer; null: there is none'),
  emptySince: instant
    .nullable()
    .describe(
      'from when on there was no usage, while there was before, or no log was ever found; null: the newest window has some',
    ),
  heldWindows: z.int().describe('whose newest answer is not believed'),
  unfinishedRuns: z.int(),
  unfinishedSince: instant.nullable().describe('when the oldest of them was planned'),
  declaredAt: instant,
});

function metricJson({ declaration, ...progress }: PosthocProgress): unknown {
  const { data } = posthocDeclarationSchema.safeParse(declaration);
  return {
    ...progress,
    engine: data?.engine ?? null,
    meter: data?.eventType ?? null,
    window: data?.window ?? null,
    revisions: data?.revisions ?? [],
    paused: data?.paused ?? null,
  };
}

export const posthocMetricRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/posthoc/metrics',
    scope: 'read',
    summary: 'Declared post-hoc metrics, and how far each has come',
    answers: {
      200: {
        description: 'All of them, by name',
        schema: z.object({ items: z.array(metricSchema) }),
      },
    },
    async handle({ caller }, { pool }) {
      requireInstallation(caller);
      return { status: 200, json: { items: (await listPosthocProgress(pool)).map(metricJson) } };
    },
  }),
];
