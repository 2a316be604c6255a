import { changeMeter } from '@odometer/database/meters/change-meter';
import { createMeter } from '@odometer/database/meters/create-meter';
import { findMeter } from '@odometer/database/meters/stored-meter';
import { meterDeclarationSchema } from '@odometer/domain/meter-declaration';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import type { Parsed } from './declaration.ts';

/** What counted usage means. Changed afterwards, one column would hold two kinds of numbers. */
const MEANING = ['eventType', 'aggregation', 'valueProperty'] as const;

/** A meter that events feed; events that came before it are counted back afterwards. */
export function parseMeter(spec: unknown): Parsed {
  const parsed = meterDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(meterDeclarationSchema, parsed.error);
  const { slug, valueProperty = null, ...fields } = parsed.data;
  const desired = { ...fields, valueProperty };
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
        name: meter.name,
        description: meter.description,
        metadata: meter.metadata,
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
    write: async (transaction) => {
      if ((await findMeter(transaction, slug)) === undefined)
        await createMeter(transaction, parsed.data);
      else await changeMeter(transaction, slug, fields);
    },
  };
}
