import { declareOrganization, findOrganization } from '@odometer/database/project-declarations';
import { isSlug } from '@odometer/domain/slug';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const organizationSchema = z.strictObject({
  slug: z.string().refine(isSlug, 'should be a valid name'),
  name: z.string().min(1).max(255).nullable().default(null),
});

/** An organization; one that was discovered becomes a declared one. */
export function parseOrganization(spec: unknown): Parsed {
  const parsed = organizationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(organizationSchema, parsed.error);
  const { slug, name } = parsed.data;
  return {
    label: `Organization ${slug}`,
    noun: 'organization',
    subject: slug,
    desired: { name, discovered: false },
    read: async (db) => {
      const current = await findOrganization(db, slug);
      return current && { name: current.name, discovered: current.discovered };
    },
    refusals: () => [],
    write: (transaction) => declareOrganization(transaction, slug, name),
  };
}
