import { isSlug } from '@odometer/domain/slug';
import { z } from 'zod';

/** Names and forms that many routes have. */

export const slug = z
  .string()
  .refine(isSlug, 'should be a valid name')
  .describe('letters, digits, `_`, and after the first also `. : @ ~ -`');

/** A name for people. */
export const personalName = z.string().min(1).max(255).nullable();

/** The id of a row: no figure, so always text. */
export const rowId = z.string().regex(/^[1-9]\d{0,17}$/, 'should be a whole number');

/** What is counted: a number where that is exact, else decimal text. */
export const figure = z.union([z.int(), z.string().regex(/^-?\d+(\.\d+)?$/)]);

export const instant = z.iso.datetime().describe('UTC, RFC 3339');

/** Before, nothing was counted; what has no year of four digits is no date to begin with, and arithmetic with years of other than four digits ends outside of what Postgres reads. */
const isInOurTime = (text: string) => text >= '1970' || !/^\d{4}-/.test(text);

/** A day as it is asked for and answered. */
export const date = z.iso
  .date('should be a date, YYYY-MM-DD')
  .refine(isInOurTime, 'should not be before 1970');

/** A month as it is asked for and answered, `2026-10`. */
export const month = z
  .string()
  .regex(/^[0-9]{4}-(0[1-9]|1[0-2])$/, 'should be a month, YYYY-MM')
  .refine(isInOurTime, 'should not be before 1970');
