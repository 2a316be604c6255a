import { OdometerError } from '@odometer/domain/errors';
import { type ZodType, z } from 'zod';

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;

/** The query parameters of every listing. */
export const pageQuery = {
  limit: z
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .default(DEFAULT_LIMIT)
    .describe('how many items a page holds at most'),
  cursor: z
    .string()
    .max(1_024)
    .optional()
    .describe('`nextCursor` of the page before; keep the other parameters as they were'),
};

/** A page of items; `nextCursor` is null on the last one. */
export function pageOf<Item extends ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/**
 * Reads a cursor: the key of the last item of the page before. Rows that come or go meanwhile move nothing: the next page
 * begins behind that key, so no item is shown twice and none that stays is left out.
 *
 * @param schema of that key, strict enough for Postgres to take it.
 * @returns undefined for the first page.
 * @throws OdometerError `query_invalid`: it is none of this listing's.
 */
export function readCursor<Key>(schema: ZodType<Key>, cursor: string | undefined): Key | undefined {
  if (cursor === undefined) return undefined;
  const parsed = schema.safeParse(decode(cursor));
  if (parsed.success) return parsed.data;
  throw new OdometerError('query_invalid', {
    parameter: 'cursor',
    problem: 'is no nextCursor of this listing',
  });
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}

/**
 * Makes the answer of a listing from one row more than the page holds: whether it is there says whether the page is the last.
 *
 * @param rows up to `limit + 1`
 */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => unknown,
  itemOf: (row: Row) => unknown,
): { readonly items: readonly unknown[]; readonly nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor =
    rows.length > limit && last !== undefined
      ? Buffer.from(JSON.stringify(keyOf(last))).toString('base64url')
      : null;
  return { items: items.map(itemOf), nextCursor };
}
