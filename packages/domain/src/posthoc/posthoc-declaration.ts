import { z } from 'zod';
import { meterFields } from '../meter-declaration.ts';
import { parseReadingQuery } from '../readings/reading-query.ts';
import { isSlug } from '../slug.ts';
import { DURATION, durationMs } from './duration.ts';
import { logSourceSchema } from './log-source.ts';

/** Refined and not transformed: what is stored is what was written, and whoever runs it parses it again. */
const sql = z
  .string()
  .max(20_000)
  .superRefine((text, context) => {
    const issue = (message: string) => context.addIssue({ code: 'custom', message });
    const parsed = parseReadingQuery(text);
    if (typeof parsed === 'string') issue(parsed);
    else if (parsed.parameters.size < 2) {
      issue('should have :start and :end, so that it asks for what was in one window');
    }
  });

/** A column of the answer. */
const column = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, 'should be small letters, digits and _');

/** A month may be closed so long after its end (ODOMETER_CLOSE_GRACE_HOURS); what is found later is an adjustment. */
const MAX_REVISION_MS = 72 * 3_600_000;

/**
 * A metric that nobody sends: SQL over logs, asked for one window after another, whose rows become events. Written by
 * operators, stored by `odometer apply`, run by stats-worker.
 */
export const posthocDeclarationSchema = z.strictObject({
  /** Ours, for commands; part of the ids of its events. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label'),
  /** What answers its SQL. */
  engine: z.enum(['duckdb']),
  /** Type of its events and slug of its meter, a counter of which it is the only source; created when there is none. */
  eventType: meterFields.slug,
  /** Of a meter that it creates. */
  unit: z.string().min(1).max(63).default('unit'),
  /** How long its windows are; they begin at full hours, or at midnight, UTC. */
  window: z.enum(['hour', 'day']),
  /** One SELECT, with `:start` and `:end` of the window, half-open. */
  sql,
  /** What its columns mean; one that is not named here is refused, so that nobody counts by accident. */
  columns: z
    .strictObject({
      project: column.default('project'),
      /** Owner of the project; without it `organization` is everybody's. */
      organization: column.optional(),
      value: column.default('value'),
      /** Kept with the events. */
      dimensions: z
        .array(column.refine((name) => name !== 'value', 'is taken'))
        .max(16)
        .default([]),
    })
    .refine(({ project, organization, value, dimensions }) => {
      const all = [project, organization ?? [], value, dimensions].flat();
      return new Set(all).size === all.length;
    }, 'should name each column once')
    .default({ project: 'project', value: 'value', dimensions: [] }),
  /** Owner of projects when no column names it. */
  organization: z.string().refine(isSlug, 'should be a valid name').default('default'),
  /** How many windows before it was declared are worked out, too. 2,232 are 93 days of hours. */
  lookback: z.int().min(0).max(2_232).default(0),
  /**
   * How long after its end a window is asked for, and then again, since logs come late and in pieces. The last one should lie
   * within the months' grace, so that it is still counted in its month.
   */
  revisions: z
    .array(z.string().regex(DURATION, 'should be like 30m or 6h'))
    .min(1)
    .max(10)
    .superRefine((all, context) => {
      // Those that are none are told already.
      const delaysMs = all.filter((text) => DURATION.test(text)).map(durationMs);
      const issue = (message: string) => context.addIssue({ code: 'custom', message });
      if (delaysMs.some((delayMs) => delayMs > MAX_REVISION_MS)) issue('are up to 72h');
      if (delaysMs.some((delayMs, i) => delayMs <= (delaysMs[i - 1] ?? 0))) issue('should rise');
    })
    .default(['1h', '6h', '24h', '48h']),
  /**
   * An answer that falls below the one before it by more than this many percent is held instead of subtracted: rather logs are
   * missing than that so much was never used. 100 holds nothing.
   */
  maxFallPercent: z.int().min(0).max(100).default(20),
  /** A query is stopped after it. A job has 5 minutes for everything. */
  timeoutSeconds: z.int().min(1).max(240).default(240),
  source: logSourceSchema,
});

export type PosthocDeclaration = z.infer<typeof posthocDeclarationSchema>;

const WINDOW_MS = { hour: 3_600_000, day: 86_400_000 } as const;

export function windowMs(window: PosthocDeclaration['window']): number {
  return WINDOW_MS[window];
}

/** Who a post-hoc metric's meter belongs to. */
export function posthocOwner(name: string): string {
  return `posthoc:${name}`;
}
