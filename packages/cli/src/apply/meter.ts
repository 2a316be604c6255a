import { findMeter, putMeter } from '@odometer/database/meter-declarations';
import { parseValuePath } from '@odometer/domain/value-path';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const AGGREGATIONS = ['sum', 'count', 'min', 'max', 'latest', 'unique_count'] as const;

const path = z
  .string()
  .refine(
    (text) => parseValuePath(text) !== undefined,
    'should be a JSON path of one value, like $.bytes or $.usage["in use"][0]',
  );

/** OpenMeter's names for the parts of a meter. */
const meterSchema = z
  .strictObject({
    slug: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]+(_[a-z0-9]+)*$/, 'should be small letters and digits, joined by _'),
    eventType: z.string().min(1).max(255),
    aggregation: z
      .string()
      .transform((text) => text.toLowerCase())
      .pipe(z.enum(AGGREGATIONS)),
    valueProperty: path.optional(),
    groupBy: z.record(z.string().regex(/^[A-Za-z0-9_]{1,63}$/), path).default({}),
    unit: z.string().min(1).max(63).default('unit'),
  })
  .superRefine(({ aggregation, valueProperty }, context) => {
    if ((aggregation === 'count') === (valueProperty === undefined)) return;
    context.addIssue({
      code: 'custom',
      path: ['valueProperty'],
      message:
        aggregation === 'count'
          ? 'count counts events and takes no value'
          : `is missing; ${aggregation} needs to know where in the data its value is`,
    });
  });

/** What counted usage means. Changed afterwards, one column would hold two kinds of numbers. */
const MEANING = ['eventType', 'aggregation', 'valueProperty'] as const;

/** A meter that events feed. */
export function parseMeter(spec: unknown): Parsed {
  const parsed = meterSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(meterSchema, parsed.error);
  const { slug, eventType, aggregation, valueProperty = null, groupBy, unit } = parsed.data;
  const desired = { eventType, aggregation, valueProperty, groupBy, unit };
  return {
    label: `Meter ${slug}`,
    noun: 'meter',
    subject: slug,
    desired,
    changesCatalogue: true,
    read: async (db) => {
      const meter = await findMeter(db, slug);
      if (meter === undefined) return undefined;
      return {
        eventType: meter.eventType,
        aggregation: meter.aggregation,
        valueProperty: meter.valuePath,
        groupBy: meter.groupBy,
        unit: meter.unit,
        ...(meter.builtIn ? { builtIn: true } : {}),
      };
    },
    refusals: (current) => {
      if (current.builtIn === true) {
        return ['a built-in meter cannot be changed; declare one under another slug'];
      }
      return MEANING.filter((field) => current[field] !== desired[field]).map(
        (field) =>
          `${field} cannot be changed from ${current[field] ?? 'nothing'} to ${desired[field] ?? 'nothing'}, because usage counted so far would mean something else; declare a meter under another slug`,
      );
    },
    write: (transaction) =>
      putMeter(transaction, {
        slug,
        kind: ['sum', 'count', 'unique_count'].includes(aggregation) ? 'counter' : 'gauge',
        unit,
        eventType,
        aggregation,
        valuePath: valueProperty,
        groupBy,
      }),
  };
}
