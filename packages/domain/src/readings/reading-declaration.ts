import { z } from 'zod';
import { meterFields } from '../meter-declaration.ts';
import type { MeterKind } from '../meters.ts';
import { isSlug } from '../slug.ts';
import { parseReadingQuery } from './reading-query.ts';

/** Refined and not transformed: what is stored is what was written, and whoever reads it parses it again. */
const query = (shouldHaveWindow: boolean) =>
  z
    .string()
    .max(20_000)
    .superRefine((sql, context) => {
      const issue = (message: string) => context.addIssue({ code: 'custom', message });
      const parsed = parseReadingQuery(sql);
      if (typeof parsed === 'string') return issue(parsed);
      const { size } = parsed.parameters;
      if (shouldHaveWindow && size < 2) {
        issue('should have :start and :end, so that it counts what was in one hour');
      }
      if (!shouldHaveWindow && size > 0) {
        issue('should have no :start and :end: a gauge is read now; or its mode is window');
      }
    });

const common = {
  /** Ours, for commands. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label'),
  /** The meter that it is the only source of; created when there is none of this slug. */
  meter: meterFields.slug,
  /** Of a meter that it creates. */
  unit: z.string().min(1).max(63).default('unit'),
  /** Name of the environment variable of stats-worker with the database's address: postgres://reader:…@host/db. */
  databaseUrlEnv: z
    .string()
    .regex(
      /^ODOMETER_READING_URL_[A-Z0-9_]{1,64}$/,
      'should begin with ODOMETER_READING_URL_, then capitals',
    ),
  /** Owner of projects when the query has no column `organization`. */
  organization: z.string().refine(isSlug, 'should be a valid name').default('default'),
  /**
   * The query is stopped after it. Half a minute is long for something that runs every hour in somebody else's database. No
   * job has much more than the greatest.
   */
  timeoutSeconds: z.int().min(1).max(180).default(30),
};

const gauge = z.strictObject({ ...common, mode: z.literal('gauge'), query: query(false) });

const window = z.strictObject({
  ...common,
  mode: z.literal('window'),
  query: query(true),
  /** How long after its end an hour is read first: what was under way at its end is there by then. */
  delayMinutes: z.int().min(0).max(1_440).default(5),
  /** How many hours that were read already are read again each time, since rows may come late. */
  reviseHours: z.int().min(0).max(744).default(24),
});

/**
 * A query against the application's own database that says what its projects have (a gauge), or how much there was of
 * something in an hour (a window). Written by operators, stored by `odometer apply`, read by stats-worker.
 */
export const readingDeclarationSchema = z.discriminatedUnion('mode', [gauge, window]);

export type ReadingDeclaration = z.infer<typeof readingDeclarationSchema>;
export type WindowReading = Extract<ReadingDeclaration, { mode: 'window' }>;

/** Who a reading's meter belongs to. */
export function readingOwner(name: string): string {
  return `reading:${name}`;
}

/** Windows add up; what a gauge reads holds until it is read again. */
export function readingKind(mode: ReadingDeclaration['mode']): MeterKind {
  return mode === 'window' ? 'counter' : 'gauge';
}
