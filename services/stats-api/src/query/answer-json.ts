import type { MeterQueryRow } from '@odometer/database/query/meter-query';
import { WINDOW_SIZES } from '@odometer/domain/windows/windows';
import { z } from 'zod';
import { instant } from '../http/schemas.ts';
import type { Question } from './question-schema.ts';

/** OpenMeter's MeterQueryResult. */
export const answerSchema = z.object({
  from: instant.optional(),
  to: instant.optional(),
  windowSize: z.enum(WINDOW_SIZES).optional(),
  data: z.array(
    z.object({
      value: z.number(),
      windowStart: instant,
      windowEnd: instant,
      subject: z.string().nullable(),
      customerId: z.string().optional(),
      groupBy: z.record(z.string(), z.string().nullable()),
    }),
  ),
});

/**
 * The answer as JSON text. Written by hand, because a value is always a JSON number here, and one that no double holds is
 * written with all its digits: OpenMeter's clients read the nearest double, others may read it exactly.
 */
export function answerJson(question: Question, rows: readonly MeterQueryRow[]): string {
  const { from, to, windowSize } = question;
  const asked = JSON.stringify({
    from: from === undefined ? undefined : new Date(from).toISOString(),
    to: to === undefined ? undefined : new Date(to).toISOString(),
    windowSize,
  });
  const head = asked === '{}' ? '{' : `${asked.slice(0, -1)},`;
  return `${head}"data":[${rows.map(rowJson).join(',')}]}`;
}

function rowJson({ value, startMs, endMs, subject, organization, groupBy }: MeterQueryRow): string {
  const rest = JSON.stringify({
    windowStart: new Date(startMs).toISOString(),
    windowEnd: new Date(endMs).toISOString(),
    subject,
    ...(organization === null ? {} : { customerId: organization }),
    groupBy,
  });
  return `{"value":${value},${rest.slice(1)}`;
}
