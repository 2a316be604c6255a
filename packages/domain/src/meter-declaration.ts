import { z } from 'zod';
import { isRegistryResource } from './limits/resource.ts';
import { AGGREGATIONS } from './meters.ts';
import { parseValuePath } from './value-path.ts';

const path = z
  .string()
  .max(1024)
  .refine(
    (text) => parseValuePath(text) !== undefined,
    'should be a JSON path of one value, like $.bytes or $.usage["in use"][0]',
  );

const groupBy = z.record(
  z.string().regex(/^[A-Za-z0-9_]{1,63}$/, 'should be letters, digits and _'),
  path,
);

/** Changes may name these; OpenMeter's names, and what is ours: the unit. */
const changeable = {
  unit: z.string().min(1).max(63),
  groupBy,
  name: z.string().min(1).max(256).nullable(),
  description: z.string().max(1024).nullable(),
  metadata: z
    .record(z.string().max(255), z.unknown())
    .nullable()
    .transform((metadata) => metadata ?? {}),
};

/** The parts of a meter that events feed, by OpenMeter's names. */
export const meterFields = {
  slug: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]+(_[a-z0-9]+)*$/, 'should be small letters and digits, joined by _')
    .refine((slug) => !/^\d+$/.test(slug), 'should not be a number, for ids of meters are')
    .refine(
      (slug) => !isRegistryResource(slug),
      'is what limits call something that is registered',
    ),
  eventType: z.string().min(1).max(255),
  aggregation: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(AGGREGATIONS)),
  valueProperty: path.optional(),
  groupBy: groupBy.default({}),
  unit: changeable.unit.default('unit'),
  name: changeable.name.default(null),
  description: changeable.description.default(null),
  metadata: changeable.metadata.optional().transform((metadata) => metadata ?? {}),
};

const fields = z.strictObject(meterFields);
export type MeterDeclaration = z.output<typeof fields>;

/** All aggregations but `count` are of a value. */
export function requireValue(meter: MeterDeclaration, context: z.RefinementCtx): void {
  const { aggregation, valueProperty } = meter;
  if ((aggregation === 'count') === (valueProperty === undefined)) return;
  context.addIssue({
    code: 'custom',
    path: ['valueProperty'],
    message:
      aggregation === 'count'
        ? 'count counts events and takes no value'
        : `is missing; ${aggregation} needs to know where in the data its value is`,
  });
}

/** A meter as it is declared. */
export const meterDeclarationSchema = fields.superRefine(requireValue);

/** What may be changed of a meter; what is left out stays. */
export const meterChangeSchema = z.strictObject(changeable).partial();
export type MeterChange = z.output<typeof meterChangeSchema>;
