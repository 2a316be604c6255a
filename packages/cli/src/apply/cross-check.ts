import {
  findMeasuredTarget,
  putMeasuredTarget,
} from '@odometer/database/measuring/measured-targets';
import { crossCheckDeclarationSchema } from '@odometer/domain/cross-checks/cross-check-declaration';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const fields = z.record(z.string(), z.unknown());

/** What somebody else has counted, to be compared with what mqtt-counter has. */
export function parseCrossCheck(spec: unknown): Parsed {
  const parsed = crossCheckDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(crossCheckDeclarationSchema, parsed.error);
  const { name, ...desired } = parsed.data;
  return {
    label: `CrossCheck ${name}`,
    noun: 'cross-check',
    subject: name,
    desired,
    read: async (db) => {
      const stored = await findMeasuredTarget(db, 'cross_check', name);
      if (stored === undefined) return undefined;
      const { name: _name, ...current } = fields.parse(stored.declaration);
      return current;
    },
    refusals: () => [],
    write: (transaction) => putMeasuredTarget(transaction, 'cross_check', name, parsed.data),
  };
}
