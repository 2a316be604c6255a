import { zoneClock } from '@odometer/domain/windows/time-zone';
import { WINDOW_SIZES } from '@odometer/domain/windows/windows';
import { jsonProblem } from '@odometer/service-kit/json-problem';
import { z } from 'zod';
import { stringFilterSchema } from './string-filter-schema.ts';

const MAX_NAMES = 1_000;
/** OpenMeter's. */
const MAX_CUSTOMERS = 100;

const SECOND_MS = 1_000;

/** In whole seconds, as OpenMeter's; the answer repeats the range as it was cut, so that nobody is told another one. */
const time = z.iso
  .datetime({ offset: true, error: 'should be an RFC 3339 date-time' })
  .transform((text) => Math.floor(Date.parse(text) / SECOND_MS) * SECOND_MS);
const names = z.array(z.string().min(1).max(512)).max(MAX_NAMES);

const zone = z
  .string()
  .transform((name, context) => {
    const clock = zoneClock(name);
    if (clock !== undefined) return clock;
    context.addIssue({ code: 'custom', message: 'should be a time zone of the IANA database' });
    return z.NEVER;
  })
  .describe('IANA time zone of the windows; by default UTC');

const filters = z.record(z.string(), stringFilterSchema);

const fields = {
  from: time.optional().describe('inclusive; a fraction of a second is cut off'),
  to: time.optional().describe('exclusive; a fraction of a second is cut off'),
  windowSize: z.enum(WINDOW_SIZES).optional().describe('without it there is one row'),
  windowTimeZone: zone.optional(),
  subject: names
    .optional()
    .describe(
      'filters and groups: `project`, `organization/project` with all its devices, or `organization/project/device`',
    ),
  filterCustomerId: names
    .max(MAX_CUSTOMERS)
    .optional()
    .describe('filters and groups by organization: a customer is one'),
  groupBy: names.optional().describe('dimensions of the meter, `subject` and `customer_id`'),
  filterGroupBy: z
    .record(z.string(), names)
    .optional()
    .describe('values of dimensions, any of which will do'),
  clientId: z.string().max(255).optional().describe('is ignored'),
};

/** The question as the body of a POST. */
export const questionBody = z.strictObject({
  ...fields,
  advancedMeterGroupByFilters: filters.optional().describe('conditions on dimensions'),
});

export type Question = z.output<typeof questionBody>;

/** The question as the query string of a GET: the conditions are JSON there. */
export const questionQuery = z.strictObject({
  ...fields,
  advancedMeterGroupByFilters: z
    .string()
    .transform((text, context): unknown => {
      const read = parsed(text);
      // What the query string holds as text has not been looked into yet.
      const problem = read === undefined ? 'should be JSON' : jsonProblem(read, 'it');
      if (problem === undefined) return read;
      context.addIssue({ code: 'custom', message: problem });
      return z.NEVER;
    })
    .pipe(filters)
    .optional()
    .describe('conditions on dimensions, as JSON: `{"model":{"$in":["a","b"]}}`'),
});

/** Undefined when it is no JSON, which has no such value. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
