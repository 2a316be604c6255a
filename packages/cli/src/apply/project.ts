import { declareProject, findProject } from '@odometer/database/project-declarations';
import { isSlug } from '@odometer/domain/slug';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const slug = z.string().refine(isSlug, 'should be a valid name');

const projectSchema = z.strictObject({
  organization: slug,
  slug,
  name: z.string().min(1).max(255).nullable().default(null),
});

/** A project, with its organization when that is new; usage that was kept for it is applied afterwards. */
export function parseProject(spec: unknown): Parsed {
  const parsed = projectSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(projectSchema, parsed.error);
  const { organization, slug: project, name } = parsed.data;
  const path = `${organization}/${project}`;
  return {
    label: `Project ${path}`,
    noun: 'project',
    subject: path,
    desired: { name, discovered: false },
    read: async (db) => {
      const current = await findProject(db, { organization, project });
      return current && { name: current.name, discovered: current.discovered };
    },
    refusals: () => [],
    write: (transaction) => declareProject(transaction, { organization, project, name }),
    registers: { organization, project },
  };
}
