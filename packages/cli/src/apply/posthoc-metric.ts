import { claimMeter, claimRefusal, type MeterClaim } from '@odometer/database/meters/own-meter';
import { findPosthocMetric, putPosthocMetric } from '@odometer/database/posthoc/posthoc-metrics';
import {
  posthocDeclarationSchema,
  posthocOwner,
} from '@odometer/domain/posthoc/posthoc-declaration';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const fields = z.record(z.string(), z.unknown());

/** Why each of them stays as it was declared first. */
const FIXED = {
  eventType: 'because usage found so far would mean something else',
  window: 'because windows that were asked for before would be counted again in others',
  lookback:
    'because it has looked back already; ask for earlier windows with odometer posthoc run --window',
} as const;

/** A metric worked out from logs; it becomes the only source of its meter, and creates it when there is none. */
export function parsePosthocMetric(spec: unknown): Parsed {
  const parsed = posthocDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(posthocDeclarationSchema, parsed.error);
  const { name, ...desired } = parsed.data;
  const claim: MeterClaim = {
    meter: desired.eventType,
    owner: posthocOwner(name),
    kind: 'counter',
    unit: desired.unit,
    eventType: desired.eventType,
    dimensions: desired.columns.dimensions,
  };
  return {
    label: `PosthocMetric ${name}`,
    noun: 'posthoc-metric',
    subject: name,
    desired,
    changesCatalogue: true,
    provides: `Meter ${desired.eventType}`,
    read: async (db) => {
      const stored = await findPosthocMetric(db, name);
      if (stored === undefined) return undefined;
      const { name: _name, ...current } = fields.parse(stored.declaration);
      return current;
    },
    refusals: (current) =>
      Object.entries(FIXED).flatMap(([field, reason]) => {
        const to = desired[field as keyof typeof FIXED];
        return current[field] === to
          ? []
          : [
              `${field} cannot be changed from ${current[field]} to ${to}, ${reason}; or declare a metric under another name`,
            ];
      }),
    missing: async (db) => {
      const refusal = await claimRefusal(db, claim);
      return refusal === undefined ? [] : [refusal];
    },
    write: async (transaction) => {
      await claimMeter(transaction, claim);
      await putPosthocMetric(transaction, { ...desired, name, declaration: parsed.data });
    },
  };
}
