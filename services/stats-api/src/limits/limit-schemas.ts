import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import { z } from 'zod';
import { figure, instant, slug } from '../http/schemas.ts';

/** A quantity in a body: a number where JSON holds it exactly, else decimal text. Never negative. */
export const quantity = z
  .union([z.number(), z.string()])
  .transform((value, context): Scaled => {
    const parsed = parseQuantity(value);
    if (typeof parsed === 'bigint' && parsed >= 0n) return parsed;
    const message = typeof parsed === 'string' ? parsed : 'value is negative';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .describe('a number, or a decimal as text: at most 30 digits before the point and 12 after it');

/** What a limit is on. */
const resource = z
  .string()
  .min(1)
  .max(63)
  .describe('the slug of a meter, or `projects`, `users`, `devices`');

export const question = {
  organization: slug,
  project: slug.optional().describe('its name; without one only limits of the organization count'),
  meter: resource,
};

const scope = z.enum(['organization', 'project']);

export const planInForceSchema = z.object({
  slug: z.string(),
  version: z.int(),
  name: z.string().nullable(),
  currency: z.string(),
});

export const limitSchema = z
  .object({
    meter: resource,
    scope,
    included: figure.nullable(),
    unlimited: z.boolean(),
    hard: z.boolean().describe('whether it refuses; a soft one charges or only tells'),
    used: figure,
    reserved: figure,
    remaining: figure.nullable(),
    resetsAt: instant.nullable().describe('null for a level, which never starts from 0 again'),
    pricePerUnit: z.string().nullable().describe('minor units of the currency, exact'),
    chargeSoFar: figure.nullable().describe('what overage of a counter costs as of now'),
  })
  .meta({ id: 'Limit' });

export const answerMembers = {
  allowed: z.boolean(),
  limit: figure.nullable().describe('what is included; null: unlimited'),
  unlimited: z.boolean(),
  used: figure,
  reserved: figure,
  remaining: figure.nullable(),
  resetsAt: instant.nullable(),
  meter: resource,
  scope: scope.describe('whose limit decided: the tightest hard one, else the tightest soft one'),
  hard: z.boolean(),
  plan: z.string().nullable().describe('null: no plan, so that nothing is limited'),
};
