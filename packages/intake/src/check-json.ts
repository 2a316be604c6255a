import { Refusal } from './refusal.ts';

/**
 * Levels of nesting an event's data may have. Postgres and every recursive reader downstream have a stack; nobody meters
 * what is buried deeper.
 */
const MAX_DEPTH = 64;

const TOO_DEEP = new Refusal('depth', `data is nested deeper than ${MAX_DEPTH} levels`);
const NOT_FINITE = new Refusal('number', 'data holds a number that is not finite');
const UNSAFE_INTEGER = new Refusal(
  'number',
  'data holds an integer beyond 2^53, which JSON readers round; send it as a string',
);
export const BAD_TEXT = new Refusal(
  'text',
  'the event holds U+0000 or half of a surrogate pair, which no database text can hold',
);

/** Whether Postgres can store the text: no U+0000 (`jsonb` and `text` refuse it) and no lone surrogate. */
export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

/**
 * Finds what would be poison further down in a parsed JSON value: numbers that `JSON.parse` has already falsified or
 * that overflow, nesting without bound, and, when `mayHoldBadText`, text that Postgres refuses.
 *
 * Fractions are not limited here: `jsonb` takes any double, and whether a value can be metered exactly is the meter's
 * question (packages/domain/src/decimal.ts), asked when it is applied.
 */
export function checkJson(value: unknown, mayHoldBadText: boolean, depth = 1): Refusal | undefined {
  if (typeof value === 'string') {
    return mayHoldBadText && !isStorableText(value) ? BAD_TEXT : undefined;
  }
  if (typeof value === 'number') return checkNumber(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > MAX_DEPTH) return TOO_DEEP;
  if (Array.isArray(value)) {
    for (const item of value) {
      const refusal = checkJson(item, mayHoldBadText, depth + 1);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const key in members) {
    if (mayHoldBadText && !isStorableText(key)) return BAD_TEXT;
    const refusal = checkJson(members[key], mayHoldBadText, depth + 1);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkNumber(value: number): Refusal | undefined {
  if (Number.isSafeInteger(value)) return undefined;
  if (!Number.isFinite(value)) return NOT_FINITE;
  return Number.isInteger(value) ? UNSAFE_INTEGER : undefined;
}
