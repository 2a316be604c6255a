import {
  findMeasuredTarget,
  putMeasuredTarget,
} from '@odometer/database/measuring/measured-targets';
import { beginReading } from '@odometer/database/measuring/reading-progress';
import { claimMeter, claimRefusal, type MeterClaim } from '@odometer/database/meters/own-meter';
import {
  readingDeclarationSchema,
  readingKind,
  readingOwner,
} from '@odometer/domain/readings/reading-declaration';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const fields = z.record(z.string(), z.unknown());

/** A SQL reading; it becomes the only source of its meter, and creates it when there is none. */
export function parseReading(spec: unknown): Parsed {
  const parsed = readingDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(readingDeclarationSchema, parsed.error);
  const { name, ...desired } = parsed.data;
  const claim: MeterClaim = {
    meter: desired.meter,
    owner: readingOwner(name),
    kind: readingKind(desired.mode),
    unit: desired.unit,
  };
  return {
    label: `Reading ${name}`,
    noun: 'reading',
    subject: name,
    desired,
    changesCatalogue: true,
    provides: `Meter ${desired.meter}`,
    read: async (db) => {
      const stored = await findMeasuredTarget(db, 'reading', name);
      if (stored === undefined) return undefined;
      const { name: _name, ...current } = fields.parse(stored.declaration);
      return current;
    },
    refusals: (current) =>
      (['meter', 'mode'] as const)
        .filter((field) => current[field] !== desired[field])
        .map(
          (field) =>
            `${field} cannot be changed from ${current[field]} to ${desired[field]}, because usage read so far would mean something else; declare a reading under another name`,
        ),
    missing: async (db) => {
      const refusal = await claimRefusal(db, claim);
      return refusal === undefined ? [] : [refusal];
    },
    write: async (transaction) => {
      await claimMeter(transaction, claim);
      await putMeasuredTarget(transaction, 'reading', name, parsed.data);
      if (desired.mode === 'window') await beginReading(transaction, name);
    },
  };
}
