import { z } from 'zod';
import { meterFields } from '../meter-declaration.ts';
import { parseReadingQuery } from '../readings/reading-query.ts';
import { isSlug } from '../slug.ts';
import { athenaTableSchema } from './athena-table.ts';
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
    else if (parsed.verb !== 'select' && parsed.verb !== 'with') issue('should be one SELECT');
    else if (parsed.parameters.size < 2) {
      issue('should have :start and :end, so that it asks for what was in one window');
    }
  });

/** A column of the answer. */
const column = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, 'should be small letters, digits and _');

/** A month may be closed so long after its end (ODOMETER_CLOSE_GRACE_HOURS); what is found later is an adjustment. */
const MAX_REVISION_MS = 72 * 3_600_000;

/** Of a query; the default is the most. DuckDB's has to fit into a job. Athena ends one by itself after half an hour. */
const MAX_TIMEOUT_SECONDS = { duckdb: 240, athena: 2_100 } as const;

const fields = z.strictObject({
  /** Ours, for commands; part of the ids of its events. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label'),
  /** What answers its SQL; without it, what it has a section for, and DuckDB when it has both. */
  engine: z.enum(['duckdb', 'athena']).optional(),
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
  /** Only what somebody asks for is worked out. Windows that were missed are due, once each, when it goes on. */
  paused: z.boolean().default(false),
  /** A query is stopped after it. */
  timeoutSeconds: z.int().min(1).optional(),
  /** Where logs are for DuckDB. */
  source: logSourceSchema.optional(),
  /** Where they are for Athena. */
  athena: athenaTableSchema.optional(),
});

/**
 * A metric that nobody sends: SQL over logs, asked for one window after another, whose rows become events. Written by
 * operators, stored by `odometer apply`, run by stats-worker. The same SQL is for either engine.
 */
export const posthocDeclarationSchema = fields
  .superRefine(({ engine, source, athena, timeoutSeconds = 1, sql: text }, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (source === undefined && athena === undefined) {
      issue('source', 'should be there, or athena: where the logs are');
    }
    if (engine === 'duckdb' && source === undefined) issue('source', 'is what duckdb reads');
    if (engine === 'athena' && athena === undefined) issue('athena', 'is what athena reads');
    const most = MAX_TIMEOUT_SECONDS[engineOf({ engine, source })];
    if (timeoutSeconds > most) issue('timeoutSeconds', `is up to ${most}`);
    if (athena === undefined) return;
    const parsed = parseReadingQuery(text, 'positional');
    if (typeof parsed === 'string') issue('sql', parsed);
  })
  .transform(({ engine: declared, timeoutSeconds, ...metric }) => {
    const engine = engineOf({ engine: declared, source: metric.source });
    return {
      ...metric,
      engine,
      timeoutSeconds: timeoutSeconds ?? MAX_TIMEOUT_SECONDS[engine],
    };
  });

function engineOf({ engine, source }: Pick<z.infer<typeof fields>, 'engine' | 'source'>) {
  return engine ?? (source === undefined ? 'athena' : 'duckdb');
}

export type PosthocDeclaration = z.infer<typeof posthocDeclarationSchema>;

const WINDOW_MS = { hour: 3_600_000, day: 86_400_000 } as const;

export function windowMs(window: PosthocDeclaration['window']): number {
  return WINDOW_MS[window];
}

/** Who a post-hoc metric's meter belongs to. */
export function posthocOwner(name: string): string {
  return `posthoc:${name}`;
}
