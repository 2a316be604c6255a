import type { StringFilter } from '@odometer/database/query/string-filter';
import { z } from 'zod';

/** A filter within a filter: more levels say nothing that fewer could not. */
const MAX_DEPTH = 4;
const MAX_TERMS = 100;

const text = z.string().max(1024).nullish();
const texts = z.array(z.string().max(1024)).max(MAX_TERMS).nullish();
/** Postgres would refuse the statement. */
const pattern = text.refine(
  (value) => !/(^|[^\\])(\\\\)*\\$/.test(value ?? ''),
  'should not end with a single backslash, which escapes what follows it',
);

const operators = {
  $eq: text,
  $ne: text,
  $in: texts,
  $nin: texts,
  $like: pattern,
  $nlike: pattern,
  $ilike: pattern,
  $nilike: pattern,
  $contains: text,
  $ncontains: text,
  $gt: text,
  $gte: text,
  $lt: text,
  $lte: text,
  $exists: z.boolean().nullish(),
};

/** An operator that is null is none, as OpenMeter's SDK may send it. */
function withoutNulls(
  filter: Readonly<Record<string, unknown>>,
  context: z.RefinementCtx,
): StringFilter {
  const set = Object.entries(filter).filter(
    ([, operand]) => operand !== null && operand !== undefined,
  );
  if (set.length > 1) {
    context.addIssue({ code: 'custom', message: 'should have one operator; $and joins several' });
  }
  return Object.fromEntries(set);
}

function filterSchema(depth: number): z.ZodType<StringFilter> {
  if (depth === 0) return z.strictObject(operators).transform(withoutNulls);
  const parts = z
    .array(filterSchema(depth - 1))
    .min(1)
    .max(MAX_TERMS)
    .nullish();
  return z.strictObject({ ...operators, $and: parts, $or: parts }).transform(withoutNulls);
}

/** OpenMeter's FilterString. */
export const stringFilterSchema = filterSchema(MAX_DEPTH);
