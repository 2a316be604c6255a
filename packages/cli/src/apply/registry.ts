import {
  findMeasuredTarget,
  isTargetRetired,
  listMeasuredTargets,
  putMeasuredTarget,
} from '@odometer/database/measuring/measured-targets';
import {
  isSameRegistry,
  registryDeclarationSchema,
} from '@odometer/domain/registries/registry-declaration';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const fields = z.record(z.string(), z.unknown());

/** A registry of images; the schema is the one that stats-worker reads with. */
export function parseRegistry(spec: unknown): Parsed {
  const parsed = registryDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(registryDeclarationSchema, parsed.error);
  const declaration = parsed.data;
  const { name, ...desired } = declaration;
  return {
    label: `Registry ${name}`,
    noun: 'registry',
    subject: name,
    desired,
    read: async (db) => {
      const stored = await findMeasuredTarget(db, 'registry', name);
      if (stored === undefined) return undefined;
      const { name: _name, ...current } = fields.parse(stored.declaration);
      return current;
    },
    refusals: () => [],
    missing: async (db) => {
      if (await isTargetRetired(db, 'registry', name)) {
        return ['it is being retired; declare it anew once what was counted of it is taken out'];
      }
      const others = (await listMeasuredTargets(db, 'registry')).filter((other) => {
        const stored = registryDeclarationSchema.safeParse(other.declaration);
        return other.name !== name && stored.success && isSameRegistry(declaration, stored.data);
      });
      return others.map(
        (other) => `it is declared already as ${other.name}: its images would count twice`,
      );
    },
    write: (transaction) => putMeasuredTarget(transaction, 'registry', name, declaration),
  };
}
