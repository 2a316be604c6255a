import { z } from 'zod';
import { formatQuantity, parseQuantity } from '../decimal.ts';
import { hasScope } from './resource.ts';

/** Any plan has a few dozen; a check reads them all. */
const MAX_LIMITS = 1_000;

const decimal = z.union([z.string(), z.number()]);

/** A quantity of 0 or more, as decimal text without superfluous zeros. */
function toQuantity(value: string | number, context: z.core.$RefinementCtx): string {
  const parsed = parseQuantity(value);
  if (typeof parsed === 'bigint' && parsed >= 0n) return formatQuantity(parsed);
  const message = typeof parsed === 'string' ? parsed : 'value is negative';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

const limitSchema = z
  .strictObject({
    /** A meter's slug, or `projects`, `users`, `devices`. */
    meter: z
      .string()
      .max(63)
      .regex(
        /^[a-z0-9]+(_[a-z0-9]+)*$/,
        'should be the slug of a meter, or projects, users, devices',
      ),
    scope: z.enum(['organization', 'project']),
    /** Said explicitly, so that nobody is unlimited by a forgotten line. */
    included: decimal.transform((value, context) =>
      value === 'unlimited' ? null : toQuantity(value, context),
    ),
    hard: z.boolean().default(false),
    /** Minor units of the currency for one unit beyond what is included. */
    pricePerUnit: decimal.transform(toQuantity).nullable().default(null),
  })
  .superRefine(({ meter, scope, included, hard, pricePerUnit }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (!hasScope(meter, scope)) refuse('scope', `${meter} are counted per organization`);
    if (included === null && pricePerUnit !== null) {
      refuse('pricePerUnit', 'what is unlimited has no overage to charge');
    }
    if (included === null && hard) refuse('hard', 'what is unlimited refuses nothing');
  });

export type PlanLimit = z.output<typeof limitSchema>;

/** A plan as an operator declares it. */
export const planSchema = z
  .strictObject({
    slug: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'should be small letters, digits, - and _'),
    name: z.string().min(1).max(255).nullable().default(null),
    currency: z.string().regex(/^[A-Z]{3}$/, 'should be an ISO 4217 code, like EUR'),
    limits: z.array(limitSchema).max(MAX_LIMITS),
  })
  .superRefine(({ limits }, context) => {
    const seen = new Set<string>();
    for (const [index, { meter, scope }] of limits.entries()) {
      if (seen.has(`${meter} ${scope}`)) {
        context.addIssue({
          code: 'custom',
          path: ['limits', index],
          message: `${meter} has two limits per ${scope}`,
        });
      }
      seen.add(`${meter} ${scope}`);
    }
  })
  // One order, so that a plan that is written down differently is no other plan.
  .transform((plan) => ({ ...plan, limits: [...plan.limits].sort(compareLimits) }));

export type PlanDeclaration = z.output<typeof planSchema>;

function compareLimits(a: PlanLimit, b: PlanLimit): number {
  return compareText(a.meter, b.meter) || compareText(a.scope, b.scope);
}

/** By code units, not by anybody's locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
