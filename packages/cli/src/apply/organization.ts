import {
  assignPlan,
  findOrganizationTerms,
  setUsers,
} from '@odometer/database/limits/organization-plan';
import { findPlan } from '@odometer/database/limits/plans';
import { declareOrganization, findOrganization } from '@odometer/database/project-declarations';
import { isSlug } from '@odometer/domain/slug';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Fields, Parsed } from './declaration.ts';

const organizationSchema = z.strictObject({
  slug: z.string().refine(isSlug, 'should be a valid name'),
  name: z.string().min(1).max(255).nullable().default(null),
  /** Null takes the plan away; what is not said stays as it is. */
  plan: z.string().max(63).nullable().optional(),
  users: z.int().min(0).optional(),
});

/** An organization; one that was discovered becomes a declared one. */
export function parseOrganization(spec: unknown): Parsed {
  const parsed = organizationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(organizationSchema, parsed.error);
  const { slug, name, plan, users } = parsed.data;
  /** The terms that the file says something about. */
  const said = (terms: { readonly plan?: unknown; readonly users?: unknown } = {}): Fields => ({
    ...(plan === undefined ? {} : { plan: terms.plan }),
    ...(users === undefined ? {} : { users: terms.users }),
  });
  return {
    label: `Organization ${slug}`,
    noun: 'organization',
    subject: slug,
    desired: { name, discovered: false, ...said({ plan, users }) },
    read: async (db) => {
      const current = await findOrganization(db, slug);
      const terms = current && (await findOrganizationTerms(db, slug));
      return current && { name: current.name, discovered: current.discovered, ...said(terms) };
    },
    refusals: () => [],
    missing: async (db, declared) => {
      if (typeof plan !== 'string' || declared.has(`Plan ${plan}`)) return [];
      return (await findPlan(db, plan)) === undefined ? [`there is no plan ${plan}`] : [];
    },
    write: async (transaction) => {
      await declareOrganization(transaction, slug, name);
      if (plan !== undefined) await assignPlan(transaction, slug, plan, Date.now());
      if (users !== undefined) await setUsers(transaction, slug, users, Date.now());
    },
  };
}
