import { findPlan, limitRefusals, putPlan } from '@odometer/database/limits/plans';
import { planSchema } from '@odometer/domain/limits/plan';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import type { Fields, Parsed } from './declaration.ts';

/** A plan with its limits; one that differs from what is there becomes a new version. */
export function parsePlan(spec: unknown): Parsed {
  const parsed = planSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(planSchema, parsed.error);
  const { slug, name, currency, limits } = parsed.data;
  return {
    label: `Plan ${slug}`,
    noun: 'plan',
    subject: slug,
    desired: { name, currency, ...limitFields(limits) },
    read: async (db) => {
      const plan = await findPlan(db, slug);
      return plan && { name: plan.name, currency: plan.currency, ...limitFields(plan.limits) };
    },
    refusals: () => [],
    missing: async (db, declared) =>
      (await limitRefusals(db, limits))
        .filter(({ meter }) => !declared.has(`Meter ${meter}`))
        .map(({ meter, reason }) => `no limit can be on ${meter}: ${reason}`),
    write: async (transaction) => {
      await putPlan(transaction, parsed.data, Date.now());
    },
  };
}

/** A field for each limit, so that a difference shows which one differs. */
function limitFields(
  limits: readonly {
    readonly meter: string;
    readonly scope: string;
    readonly included: string | null;
    readonly hard: boolean;
    readonly pricePerUnit: string | null;
  }[],
): Fields {
  return Object.fromEntries(
    limits.map(({ meter, scope, included, hard, pricePerUnit }) => [
      `${meter} per ${scope}`,
      { included: included ?? 'unlimited', hard, pricePerUnit },
    ]),
  );
}
